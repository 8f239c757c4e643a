import type { QueueAttributeName, SQS } from '@aws-sdk/client-sqs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Calls } from '../calls.ts'
import { maxMessageBytes } from './message.ts'

/** The longest that SQS keeps a message. */
export const retentionSeconds = 14 * 86_400

export interface MadeQueue {
  url: string
  arn: string
  /** Of one message, attributes included. */
  maxBytes: number
}

const usableMs = 15_000

/**
 * A queue by its name, made if it is not there. One that is there stays as it is, whatever attributes it has; several may make
 * it at the same time.
 */
export async function ensureQueue(
  sqs: SQS,
  calls: Calls,
  name: string,
  attributes: Partial<Record<QueueAttributeName, string>> = {},
): Promise<MadeQueue> {
  const url = (await findQueue(sqs, calls, name)) ?? (await makeQueue(sqs, calls, name, attributes))
  const { QueueArn = '', MaximumMessageSize } = await describe(sqs, calls, url)
  return { url, arn: QueueArn, maxBytes: Number(MaximumMessageSize ?? maxMessageBytes) }
}

export async function findQueue(sqs: SQS, calls: Calls, name: string): Promise<string | undefined> {
  try {
    return (await calls.run((options) => sqs.getQueueUrl({ QueueName: name }, options))).QueueUrl
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function makeQueue(
  sqs: SQS,
  calls: Calls,
  name: string,
  attributes: Partial<Record<QueueAttributeName, string>>,
): Promise<string> {
  const Attributes = {
    MessageRetentionPeriod: String(retentionSeconds),
    MaximumMessageSize: String(maxMessageBytes),
    ...attributes,
  }
  try {
    return (await calls.run((options) => sqs.createQueue({ QueueName: name, Attributes }, options))).QueueUrl!
  } catch (error) {
    // Another was faster, with other attributes.
    const url = isThere(error) ? await findQueue(sqs, calls, name) : undefined
    if (url === undefined) throw error
    return url
  }
}

/** A queue is usable a second after it was made: until then it may not be found. */
async function describe(sqs: SQS, calls: Calls, url: string): Promise<Partial<Record<QueueAttributeName, string>>> {
  const endMs = performance.now() + usableMs
  for (;;) {
    try {
      const of = { QueueUrl: url, AttributeNames: ['All' as const] }
      return (await calls.run((options) => sqs.getQueueAttributes(of, options))).Attributes ?? {}
    } catch (error) {
      if (!isMissing(error) || performance.now() > endMs) throw error
      await sleep(250, undefined, { signal: calls.closing })
    }
  }
}

/** The SDK and the services name it in several ways. */
export function isMissing(error: unknown): boolean {
  return /QueueDoesNotExist$|NonExistentQueue$/.test((error as Error).name)
}

function isThere(error: unknown): boolean {
  return /QueueNameExists$|QueueAlreadyExists$/.test((error as Error).name)
}
