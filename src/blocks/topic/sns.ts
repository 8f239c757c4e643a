/*
 * URL: `sns://KEY:SECRET@REGION?endpoint=http://HOST:PORT`, as for `sqs:`; SNS and SQS of one account and region, or both at that
 * endpoint. Any version of the services.
 *
 * At rest: a topic of SNS that has the block's name, and for each subscription a queue of SQS with a queue of its dead letters,
 * `<topic>-<subscription>-<hash>` and `…-dead`, subscribed with raw delivery; a tag of the queue says which subscription it is.
 * A message's body is JSON text `{"ashlar":"…","body":…}` (`aws/sqs/message.ts`); its attributes, which SNS filters by, are the
 * user's, what SNS does not take replaced by a hash.
 *
 * Unsupported: order by key, transactions, a changed filter, `keep.messages`, histories, ages; filters of more than 5 attributes or 150
 * combinations. `keep.age` is 1 minute to 14 days and kept by SQS. Attempts count released deliveries, times are whole seconds.
 */
import type { SNS } from '@aws-sdk/client-sns'
import type { SQS } from '@aws-sdk/client-sqs'
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid } from '../../errors.ts'
import { awsName } from '../../aws/names.ts'
import { openSns, type Sns } from '../../aws/sns/client.ts'
import { attributesOf, passes, policyOf } from '../../aws/sns/filter.ts'
import { maxTopicBytes, SnsTopic, topicBytesOf, type TopicEntry } from '../../aws/sns/topic.ts'
import { SqsLane } from '../../aws/sqs/lane.ts'
import type { Lease } from '../../aws/sqs/leases.ts'
import { envelopeOf, reservedBytes, type Note } from '../../aws/sqs/message.ts'
import { isMissing, retentionSeconds } from '../../aws/sqs/queue.ts'
import { parseAwsUrl } from '../../aws/url.ts'
import { lastFailure, type ReceiveOptions } from '../../lease/lease.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'

const minKeepMs = 60_000
/** How long a subscription's filter is believed; its queue is asked each time anyway. */
const laneAgeMs = 60_000

interface Held {
  lane: SqsLane
  policy: string
  atMs: number
}

class Topic implements TopicDriver {
  readonly capabilities = {
    transactions: false,
    filters: true,
    changesFilters: false,
    ordered: false,
    deadLetters: true,
    history: false,
    keepsMessages: false,
    trims: false,
    figures: false,
    uncounted: false,
    maxBytes: maxTopicBytes - reservedBytes,
  }
  readonly native: { sns: SNS; sqs: SQS; topicArn: string }
  readonly #clients: Sns
  readonly #topic: SnsTopic
  readonly #lanes = new Map<string, Held>()

  constructor(clients: Sns, topic: SnsTopic) {
    this.#clients = clients
    this.#topic = topic
    this.native = { sns: clients.sns, sqs: clients.sqs, topicArn: topic.arn }
  }

  async publish(messages: readonly Outgoing[]): Promise<string[]> {
    const ids = messages.map(() => randomUUID())
    await this.#topic.publish(messages.map((message, i) => entryOf(message, ids[i]!)))
    return ids
  }

  async subscribe({ name, filter, keep }: Subscription): Promise<void> {
    const maxKeepMs = retentionSeconds * 1000
    if (keep.ms < minKeepMs || keep.ms > maxKeepMs)
      throw invalid(`keep.age: ${keep.ms} ms is out of range on SQS; allowed is 1 minute to 14 days`)
    await this.#topic.subscribe(name, policyOf(filter), Math.ceil(keep.ms / 1000))
  }

  async unsubscribe(name: string): Promise<void> {
    this.#lanes.delete(name)
    await this.#topic.unsubscribe(name)
  }

  receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]> {
    return this.#with(subscription, async ({ lane, policy }) => {
      const leases = await lane.receive(options)
      const wanted = leases.filter(({ note }) => passes(policy, textsOf(note.meta['attributes'])))
      const rest = leases.filter((lease) => !wanted.includes(lease))
      if (rest.length > 0) await lane.settle(rest.map(({ token }) => ({ token, outcome: 'done' }))).catch(() => [])
      return wanted.map(deliveredOf)
    })
  }

  settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#with(subscription, ({ lane }) => lane.settle(settlements))
  }

  extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#with(subscription, ({ lane }) => lane.extend(tokens, leaseMs))
  }

  dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    return this.#with(subscription, async ({ lane }) =>
      (await lane.dead(limit)).map(({ id, body, note, attempts, error, diedAt }) => {
        const history = lastFailure({ attempts, error, diedAt })
        return { id, body, attributes: textsOf(note.meta['attributes']), attempts, error, diedAt, history }
      }),
    )
  }

  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#with(subscription, ({ lane }) => lane.redrive(ids))
  }

  /** One that is ended at this very moment is left out. */
  async stats(): Promise<SubscriptionStats[]> {
    const names = await this.#topic.names()
    const found = await Promise.all(names.map((name) => this.#statsOf(name)))
    return found.filter((each) => each !== undefined)
  }

  async #statsOf(subscription: string): Promise<SubscriptionStats | undefined> {
    try {
      const { ready, delayed, leased, dead } = await this.#with(subscription, ({ lane }) => lane.stats())
      return { subscription, pending: ready + delayed + leased, dead, oldestAgeMs: NaN, dropped: NaN }
    } catch (error) {
      if (error instanceof AshlarError && error.code === 'not_found') return undefined
      throw error
    }
  }

  async trim(): Promise<never[]> {
    return []
  }

  async close(): Promise<void> {
    const lanes = [...this.#lanes.values()].map(({ lane }) => lane)
    this.#clients.close(() => Promise.all(lanes.map((lane) => lane.idle())))
  }

  async #with<R>(name: string, work: (held: Held) => Promise<R>): Promise<R> {
    try {
      return await work(await this.#held(name))
    } catch (error) {
      if (!isMissing(error)) throw error
      this.#lanes.delete(name)
      throw missing(name)
    }
  }

  async #held(name: string): Promise<Held> {
    const held = this.#lanes.get(name)
    if (held && performance.now() - held.atMs < laneAgeMs) return held
    const queue = await this.#topic.queueOf(name)
    if (!queue) {
      this.#lanes.delete(name)
      throw missing(name)
    }
    const { url, deadUrl, policy } = queue
    // The lane stays: it knows what it has lent.
    const lane = this.#lanes.get(name)?.lane ?? new SqsLane({ ...this.#clients, url, deadUrl, fifo: false })
    const fresh = { lane, policy, atMs: performance.now() }
    this.#lanes.set(name, fresh)
    return fresh
  }
}

function missing(name: string): AshlarError {
  return new AshlarError('not_found', `there is no subscription '${name}'; subscribe first`)
}

function entryOf({ body, headers, attributes }: Outgoing, id: string): TopicEntry {
  const note: Note = { meta: { headers, attributes }, id }
  const entry = { Message: envelopeOf({ body, note }), MessageAttributes: attributesOf(attributes) }
  const bytes = topicBytesOf(entry)
  if (bytes > maxTopicBytes)
    throw invalid(
      `sns: a message of ${bytes} bytes with its headers and attributes is too large; allowed are ${maxTopicBytes}; shorten it`,
    )
  return entry
}

function deliveredOf({ id, body, note: { meta }, attempt, sentMs, token }: Lease): Delivered {
  const [headers, attributes] = [textsOf(meta['headers']), textsOf(meta['attributes'])]
  return { id, body, headers, attributes, attempt, publishedAt: new Date(sentMs), token }
}

function textsOf(value: unknown): Record<string, string> {
  return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {}
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const clients = await openSns(parseAwsUrl(context.url, 'sns'))
  try {
    return new Topic(clients, await SnsTopic.open(clients, awsName(engineName(context))))
  } catch (error) {
    clients.close()
    throw error
  }
}

export { codeOf } from '../../aws/codes.ts'
