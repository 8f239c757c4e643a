import type { SQS } from '@aws-sdk/client-sqs'
import { sendAll } from '../batch.ts'
import type { Calls } from '../calls.ts'
import { bytesOf, maxMessageBytes, type Entry } from './message.ts'

/** A queue, and the way to it. */
export interface Target {
  sqs: SQS
  calls: Calls
  url: string
}

/** Answers SQS's ids. @throws PartlyStored, or what the first batch throws */
export function sendTo({ sqs, calls, url }: Target, entries: readonly Entry[], inOrder = false): Promise<string[]> {
  const send = (batch: Entry[]) => {
    const Entries = batch.map((entry, i) => ({ Id: String(i), ...entry }))
    return calls.run((options) => sqs.sendMessageBatch({ QueueUrl: url, Entries }, options))
  }
  return sendAll({ send, bytesOf, maxBytes: maxMessageBytes, inOrder }, entries)
}
