import type * as Client from '@platformatic/kafka'
import { AshlarError } from '../errors.ts'

/** Kafka's client as a whole, typed. */
export type Kafka = typeof Client

/** The client is an optional peer, loaded when a `kafka:` URL is opened. @throws `unsupported` when it is not installed */
export async function loadKafka(): Promise<Kafka> {
  try {
    return await import('@platformatic/kafka')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new AshlarError(
      'unsupported',
      "kafka: URLs need the package '@platformatic/kafka'; run npm install @platformatic/kafka",
      { cause: error },
    )
  }
}
