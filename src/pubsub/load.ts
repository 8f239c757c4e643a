import type * as pubsub from '@google-cloud/pubsub'
import { AshlarError } from '../errors.ts'

/** Google's client as a whole, typed. */
export type PubSubPackage = typeof pubsub

/** The client is an optional peer, loaded when a `pubsub:` URL is opened. @throws `unsupported` when it is not installed */
export async function loadPubSub(): Promise<PubSubPackage> {
  try {
    return await import('@google-cloud/pubsub')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new AshlarError(
      'unsupported',
      "pubsub: URLs need the package '@google-cloud/pubsub'; run npm install @google-cloud/pubsub@5",
      { cause: error },
    )
  }
}
