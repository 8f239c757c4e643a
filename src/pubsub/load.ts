import type * as pubsub from '@google-cloud/pubsub'
import { loadPeer } from '../peer.ts'

/** Google's client as a whole, typed. */
export type PubSubPackage = typeof pubsub

/** @throws `unsupported` when it is not installed */
export function loadPubSub(): Promise<PubSubPackage> {
  return loadPeer('@google-cloud/pubsub', () => import('@google-cloud/pubsub'))
}
