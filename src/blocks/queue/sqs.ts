/*
 * URL: `sqs://KEY:SECRET@REGION?endpoint=http://HOST:PORT&fifo=true`. Key and secret percent-encoded; without them the SDK's own
 * chain (environment, profile, container, instance). `endpoint`: another one than AWS's. `fifo=true`: a queue of the kind FIFO,
 * with `key` and `dedupe` (of its one window, 5 minutes) but without `delay`. Any version of the service.
 *
 * At rest: a queue that has the block's name (see `aws/names.ts`; `.fifo` behind it) and one of its dead letters, `<name>-dead`;
 * made at open, with 14 days of retention, unless they are there. A message's body is the payload's JSON; its attribute `ashlar`
 * is JSON of its headers, its key, and of what must outlive a copy (`aws/sqs/message.ts`).
 *
 * SQS knows only seconds: delays, leases and retries are rounded up. A delay over 15 minutes is made of several: a message that
 * comes early is replaced by a copy with what is left, by the engine's clock, as long as somebody receives. Unsupported: priority,
 * transactions, history of dead letters, exact figures; a delivery that was released counts as an attempt.
 */
import type { SQS } from '@aws-sdk/client-sqs'
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { invalid } from '../../errors.ts'
import { awsName, idOf } from '../../aws/names.ts'
import { openSqs, type Sqs } from '../../aws/sqs/client.ts'
import { delayed, SqsLane } from '../../aws/sqs/lane.ts'
import type { Lease } from '../../aws/sqs/leases.ts'
import { bytesOf, reservedBytes, type Entry, type Stored } from '../../aws/sqs/message.ts'
import { ensureQueue, type MadeQueue } from '../../aws/sqs/queue.ts'
import { longestLeaseMs } from '../../aws/sqs/settling.ts'
import { parseAwsUrl, readSwitch } from '../../aws/url.ts'
import { lastFailure, type ReceiveOptions } from '../../lease/lease.ts'
import type { DeadLetter, Leased, Outgoing, QueueDriver, QueueStats, Settlement } from './driver.ts'

const dayMs = 86_400_000
const fifoWindowMs = 300_000

interface Parts extends Sqs {
  queue: MadeQueue
  dead: MadeQueue
  fifo: boolean
}

class SqsQueue implements QueueDriver {
  readonly capabilities
  readonly native: { client: SQS; queueUrl: string; deadQueueUrl: string }
  readonly #parts: Parts
  readonly #lane: SqsLane

  constructor(parts: Parts) {
    const { sqs, queue, dead, fifo } = parts
    this.#parts = parts
    this.#lane = new SqsLane({ ...parts, url: queue.url, deadUrl: dead.url, ...(fifo ? { groupOf } : {}) })
    this.native = { client: sqs, queueUrl: queue.url, deadQueueUrl: dead.url }
    this.capabilities = capabilitiesOf(Math.min(queue.maxBytes, dead.maxBytes), fifo)
  }

  async send(messages: readonly Outgoing[]): Promise<string[]> {
    const entries = messages.map((message) => this.#entryOf(message))
    return this.#lane.send(entries)
  }

  #entryOf({ body, headers, key, dedupe, delayMs }: Outgoing): Entry {
    const stored = { body, note: { meta: { headers, ...(key === undefined ? {} : { key }) } } }
    const entry = delayed(stored, delayMs)
    const [bytes, { maxBytes }] = [bytesOf(entry), this.#parts.queue]
    if (bytes > maxBytes)
      throw invalid(
        `sqs: a message of ${bytes} bytes with its headers is too large; allowed are ${maxBytes}; shorten it`,
      )
    if (!this.#parts.fifo) return entry
    if (dedupe && dedupe.windowMs !== fifoWindowMs)
      throw invalid(`sqs: a dedupe window of ${dedupe.windowMs} ms; SQS has one of ${fifoWindowMs} ms only`)
    return { ...entry, ...groupOf(stored), ...(dedupe ? { MessageDeduplicationId: idOf(dedupe.key) } : {}) }
  }

  async receive(options: ReceiveOptions): Promise<Leased[]> {
    return (await this.#lane.receive(options)).map(leasedOf)
  }

  settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#lane.settle(settlements)
  }

  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#lane.extend(tokens, leaseMs)
  }

  async dead({ limit }: { limit: number }): Promise<DeadLetter[]> {
    return (await this.#lane.dead(limit)).map(({ id, body, note, attempts, error, diedAt }) => {
      const history = lastFailure({ attempts, error, diedAt })
      return { id, body, headers: headersOf(note.meta), attempts, error, diedAt, history }
    })
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#lane.redrive(ids)
  }

  async stats(): Promise<QueueStats> {
    return { ...(await this.#lane.stats()), oldestAgeMs: 0 }
  }

  async close(): Promise<void> {
    this.#parts.close(() => this.#lane.idle())
  }
}

function capabilitiesOf(maxBytes: number, fifo: boolean): QueueDriver['capabilities'] {
  return {
    transactions: false,
    delay: !fifo,
    priority: false,
    ordered: fifo,
    dedupe: fifo,
    deadLetters: true,
    history: false,
    uncounted: false,
    exactStats: false,
    ...(fifo ? { dedupeWindowMs: fifoWindowMs, maxRetryMs: longestLeaseMs - 3_600_000 } : {}),
    maxBytes: maxBytes - reservedBytes,
    maxDelayMs: 366 * dayMs,
  }
}

/** A message without a key is a group by itself. */
function groupOf({ note }: Stored): Pick<Entry, 'MessageGroupId' | 'MessageDeduplicationId'> {
  const { key } = note.meta
  const group = typeof key === 'string' ? idOf(key) : randomUUID()
  return { MessageGroupId: group, MessageDeduplicationId: randomUUID() }
}

function leasedOf({ id, body, note, attempt, sentMs, token }: Lease): Leased {
  const { key } = note.meta
  const keyed = typeof key === 'string' ? { key } : {}
  return { id, body, headers: headersOf(note.meta), attempt, sentAt: new Date(sentMs), token, ...keyed }
}

function headersOf({ headers }: Stored['note']['meta']): Record<string, string> {
  return typeof headers === 'object' && headers !== null ? (headers as Record<string, string>) : {}
}

export async function open(context: OpenContext): Promise<QueueDriver> {
  const url = parseAwsUrl(context.url, 'sqs', ['fifo'])
  const fifo = readSwitch(url.options, 'fifo', 'sqs')
  const client = await openSqs(url)
  const { sqs, calls } = client
  try {
    const name = awsName(engineName(context))
    const [queue, dead] = await Promise.all([
      ensureQueue(sqs, calls, fifo ? `${name}.fifo` : name, fifo ? { FifoQueue: 'true' } : {}),
      ensureQueue(sqs, calls, fifo ? `${name}-fifo-dead` : `${name}-dead`),
    ])
    return new SqsQueue({ ...client, queue, dead, fifo })
  } catch (error) {
    client.close()
    throw error
  }
}

export { codeOf } from '../../aws/codes.ts'
