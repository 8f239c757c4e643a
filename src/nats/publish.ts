import { randomUUID } from 'node:crypto'
import { NatsFault } from './faults.ts'
import type { Fields, Link } from './link.ts'

/** The server takes no more at once as one. */
const maxAtomic = 1_000
/** Under way at once, where each message is answered by itself. */
const maxUnderWay = 256
const publishMs = 10_000
/** For all of one call. */
const callMs = 25_000

/** From this server on a batch can be all or nothing. */
export const atomicSince = '2.12.0'

export interface Publishing {
  payload: string | Uint8Array
  fields: Fields
}

/**
 * Publishes to one subject of one stream, in order, and answers the sequence numbers. Where the stream is `allow_atomic` up to 1000
 * messages are stored together or not at all, and lie together; else those before one that fails stay.
 */
export async function publishInOrder(
  link: Link,
  subject: string,
  messages: readonly Publishing[],
  isAtomic: boolean,
): Promise<number[]> {
  const endMs = performance.now() + callMs
  const atOnce = isAtomic ? maxAtomic : maxUnderWay
  const seqs: number[] = []
  for (let from = 0; from < messages.length; from += atOnce) {
    const leftMs = Math.min(publishMs, endMs - performance.now())
    if (leftMs <= 0)
      throw new NatsFault('timeout', `${from} of ${messages.length} messages were stored within ${callMs} ms`)
    await link.ready(leftMs)
    const some = messages.slice(from, from + atOnce)
    const isOne = isAtomic && some.length > 1
    seqs.push(
      ...(isOne ? await publishAsOne(link, subject, some, leftMs) : await publishEach(link, subject, some, leftMs)),
    )
  }
  return seqs
}

/** The server stores them when it has seen the last one, and answers only then. */
async function publishAsOne(
  link: Link,
  subject: string,
  some: readonly Publishing[],
  limitMs: number,
): Promise<number[]> {
  const batch = randomUUID()
  const fieldsOf = (n: number) => ({ ...some[n]!.fields, 'Nats-Batch-Id': batch, 'Nats-Batch-Sequence': String(n + 1) })
  const last = some.length - 1
  for (let n = 0; n < last; n++)
    link.connection.publish(subject, some[n]!.payload, { headers: link.headersOf(fieldsOf(n)) })
  const commit = { ...fieldsOf(last), 'Nats-Batch-Commit': '1' }
  const { seq, count } = await link.api<{ seq: number; count?: number }>(subject, some[last]!.payload, commit, limitMs)
  if (count !== some.length)
    throw new NatsFault('internal', `${count} of the ${some.length} messages of a batch were stored`)
  return some.map((_, n) => seq - last + n)
}

async function publishEach(
  link: Link,
  subject: string,
  some: readonly Publishing[],
  limitMs: number,
): Promise<number[]> {
  const asked = some.map(({ payload, fields }) => link.api<{ seq: number }>(subject, payload, fields, limitMs))
  const stored = await Promise.allSettled(asked)
  return stored.map((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value.seq
  })
}
