import type { Msg } from '@nats-io/transport-node'
import { orAfter } from '../deadline.ts'
import { NatsFault } from './faults.ts'
import { firstFrom } from './kept.ts'
import { askMs, type Link } from './link.ts'

/** From this server on many messages are read by one question. */
const batchSince = '2.11.0'
const atOnce = 100

export interface Fetched {
  seq: number
  time: Date
  data: Uint8Array
  headers: Msg['headers']
}

export interface FetchOptions {
  seq: number
  maxRecords: number
  /** About so many; one message at least. */
  maxBytes: number
}

/** Messages of a subject from a sequence number on, as the stream holds them: nothing is remembered on the server. */
export async function fetchFrom(
  link: Link,
  stream: string,
  subject: string,
  options: FetchOptions,
): Promise<Fetched[]> {
  await link.ready()
  return link.isServerAtLeast(batchSince)
    ? fetchBatch(link, stream, subject, options)
    : fetchEach(link, stream, subject, options)
}

async function fetchBatch(
  link: Link,
  stream: string,
  subject: string,
  { seq, maxRecords: batch, maxBytes: max_bytes }: FetchOptions,
): Promise<Fetched[]> {
  const found: Fetched[] = []
  const ended = Promise.withResolvers<void>()
  const hear = (message: Msg) => {
    const status = message.headers?.code ?? 0
    if (status === 0) found.push(fetchedOf(message))
    else if (status === 204 || status === 404) ended.resolve()
    else ended.reject(failureOf(status, message.headers?.description))
  }
  const inbox = `_INBOX.${crypto.randomUUID()}`
  const callback = (error: Error | null, message: Msg) => (error ? ended.reject(error) : hear(message))
  const subscription = link.connection.subscribe(inbox, { callback })
  const forget = link.onDown(() =>
    ended.reject(new NatsFault('unavailable', 'the connection to the NATS server was lost')),
  )
  try {
    const question = JSON.stringify({ seq, batch, max_bytes, next_by_subj: subject })
    link.connection.publish(`$JS.API.DIRECT.GET.${stream}`, question, { reply: inbox })
    await orAfter(ended.promise, askMs, () => {
      throw new NatsFault('timeout', `the NATS server did not answer within ${askMs} ms`)
    })
    return found
  } finally {
    forget()
    subscription.unsubscribe()
  }
}

function failureOf(status: number, description = ''): NatsFault {
  return new NatsFault(status === 503 ? 'unavailable' : 'internal', `JetStream: ${status} ${description}`)
}

function fetchedOf({ data, headers }: Msg): Fetched {
  return {
    seq: Number(headers?.get('Nats-Sequence')),
    time: new Date(headers?.get('Nats-Time-Stamp') ?? 0),
    data,
    headers,
  }
}

/** Older servers are asked for each message by itself, many at a time. */
async function fetchEach(
  link: Link,
  stream: string,
  subject: string,
  { seq, maxRecords, maxBytes }: FetchOptions,
): Promise<Fetched[]> {
  const found: Fetched[] = []
  let bytes = 0
  for (let next = seq; found.length < maxRecords && (bytes < maxBytes || found.length === 0);) {
    // The first tells whether there is any, and how large they are about.
    const count = found.length === 0 ? 1 : Math.min(atOnce, maxRecords - found.length)
    const asked = Array.from({ length: count }, (_, n) => firstFrom(link, stream, subject, next + n))
    const answers = (await Promise.all(asked)).flatMap((each) => each ?? [])
    const page = answers.filter((each, n) => each.seq !== answers[n - 1]?.seq)
    if (page.length === 0) break
    found.push(...page.map((each) => ({ seq: each.seq, time: each.time, data: each.data, headers: each.header })))
    bytes += page.reduce((sum, each) => sum + each.data.length, 0)
    next = found.at(-1)!.seq + 1
  }
  return found
}
