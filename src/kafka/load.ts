import type * as Client from '@platformatic/kafka'
import { loadPeer } from '../peer.ts'

/** Kafka's client as a whole, typed. */
export type Kafka = typeof Client

/** @throws `unsupported` when it is not installed */
export function loadKafka(): Promise<Kafka> {
  return loadPeer('@platformatic/kafka', () => import('@platformatic/kafka'))
}
