/*
 * URL: `pubsub://PROJECT?endpoint=HOST:PORT&keyFile=FILE`. Without `endpoint` Google's global one; a regional one
 * (`europe-west1-pubsub.googleapis.com`) keeps the order of keys also among publishers in several regions; any other host is an emulator,
 * without TLS and credentials. Credentials are what Google's client finds by itself, or `keyFile`. A service, so of no version.
 *
 * At rest: topic `<block>`, subscription `<block>~<name>`, and for its dead letters topic and subscription `<block>~<name>~dead`, kept for
 * Pub/Sub's default of 7 days. Attributes are the user's; those that begin with `ashlar_` are ours (see `pubsub-message.ts`).
 *
 * Unsupported: transactions, a changed filter, `keep.messages`, histories, figures. Attempts are counted in the message (without a key) or
 * in the process that has it (with a key); one that ends with its process is not counted, unless the subscription has a dead letter policy of
 * its own, whose counter is then believed. A wait or lease of more than 10 minutes with a key ends early when its process does.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { status, statusOf } from '../../pubsub/errors.ts'
import { filterText } from '../../pubsub/filter.ts'
import type { PubSubNative } from '../../pubsub/native.ts'
import { openPubSub, type Share } from '../../pubsub/open.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'
import { Calls } from './pubsub-calls.ts'
import { DeadLetters } from './pubsub-dead.ts'
import { Lane, type LaneNames } from './pubsub-lane.ts'
import { ownFilter, wireOf } from './pubsub-message.ts'

const minKeepMs = 600_000
const maxKeepMs = 31 * 86_400_000
/** Pub/Sub's shortest. What a pull took and nobody got, since it was cut off, comes again so soon. */
const ackDeadlineSeconds = 10

class PubSubTopic implements TopicDriver {
  readonly capabilities = {
    transactions: false,
    filters: true,
    changesFilters: false,
    ordered: true,
    deadLetters: true,
    history: false,
    keepsMessages: false,
    trims: false,
    figures: false,
    maxBytes: 3 * 1024 ** 2,
  }
  readonly #share: Share
  readonly #calls: Calls
  readonly #topic: string
  readonly #id: string
  readonly #lanes = new Map<string, { lane: Lane; dead: DeadLetters }>()
  readonly #closing = new AbortController()

  constructor(share: Share, id: string) {
    this.#share = share
    this.#calls = new Calls(share.link)
    this.#id = id
    this.#topic = `projects/${share.link.project}/topics/${id}`
  }

  get native(): PubSubNative {
    const { publisher, subscriber } = this.#share.link.clients
    return { publisher, subscriber, topic: this.#topic, subscription: (name) => this.#namesOf(name).subscription }
  }

  async ensure(): Promise<void> {
    await this.#calls.createTopic(this.#topic)
  }

  publish(messages: readonly Outgoing[]): Promise<string[]> {
    return this.#calls.publish(this.#topic, messages.map(wireOf))
  }

  async subscribe({ name, filter, keep }: Subscription): Promise<void> {
    const { topic, subscription, deadTopic, dead } = this.#namesOf(name)
    if (keep.ms < minKeepMs || keep.ms > maxKeepMs)
      throw invalid(`keep.age: ${keep.ms} ms is out of range on Pub/Sub; allowed is 10 minutes to 31 days`)
    const wanted = {
      name: subscription,
      topic,
      ackDeadlineSeconds,
      enableMessageOrdering: true,
      filter: filterText(filter, ownFilter(name)),
      messageRetentionDuration: { seconds: Math.ceil(keep.ms / 1000) },
      expirationPolicy: {}, // never, though nobody consumes
    }
    await Promise.all([this.ensure(), this.#calls.createTopic(deadTopic)])
    await this.#calls.create({ name: dead, topic: deadTopic, ackDeadlineSeconds, expirationPolicy: {} })
    if (!(await this.#calls.create(wanted))) await this.#adapt(name, wanted)
  }

  async #adapt(name: string, wanted: Wanted): Promise<void> {
    const there = await this.#calls.get(wanted.name)
    const fix = `end it with unsubscribe('${name}'), which drops what it holds, or subscribe under another name`
    if (there.topic !== wanted.topic || !there.enableMessageOrdering)
      throw new AshlarError(
        'conflict',
        `Pub/Sub has a subscription '${wanted.name}' that was not made here: it is of the topic '${there.topic}', ${there.enableMessageOrdering ? 'with' : 'without'} message ordering; ${fix}`,
      )
    if (there.filter !== wanted.filter)
      throw new AshlarError(
        'unsupported',
        `Pub/Sub cannot change a subscription's filter: '${name}' has ${there.filter}, wanted is ${wanted.filter}; ${fix}`,
      )
    if (Number(there.messageRetentionDuration?.seconds) !== wanted.messageRetentionDuration.seconds)
      await this.#calls.update({ name: wanted.name, messageRetentionDuration: wanted.messageRetentionDuration }, [
        'message_retention_duration',
      ])
  }

  async unsubscribe(name: string): Promise<void> {
    const { subscription, deadTopic, dead } = this.#namesOf(name)
    this.#lanes.get(name)?.lane.close()
    this.#lanes.delete(name)
    await Promise.all([this.#calls.remove(subscription), this.#calls.remove(dead)])
    await this.#calls.removeTopic(deadTopic)
  }

  receive(subscription: string, { signal, ...options }: ReceiveOptions): Promise<Delivered[]> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    return this.#of(subscription, ({ lane }) => lane.receive({ ...options, signal: either }))
  }

  settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#of(subscription, ({ lane }) => lane.settle(settlements))
  }

  extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#of(subscription, ({ lane }) => lane.extend(tokens, leaseMs))
  }

  dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    return this.#of(subscription, ({ dead }) => dead.list(limit))
  }

  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#of(subscription, ({ dead }) => dead.redrive(ids))
  }

  async stats(): Promise<SubscriptionStats[]> {
    const prefix = this.#namesOf('').subscription
    const names = await this.#calls.subscriptionsOf(this.#topic)
    return names
      .filter((name) => name.startsWith(prefix))
      .map((name) => ({
        subscription: name.slice(prefix.length),
        pending: NaN,
        dead: NaN,
        oldestAgeMs: NaN,
        dropped: NaN,
      }))
      .toSorted((a, b) => (a.subscription < b.subscription ? -1 : 1))
  }

  async trim(): Promise<never[]> {
    return []
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const { lane } of this.#lanes.values()) lane.close()
    this.#lanes.clear()
    await this.#share.close()
  }

  #namesOf(name: string): LaneNames {
    const { project } = this.#share.link
    const id = `${this.#id}~${name}`
    return {
      name,
      topic: this.#topic,
      subscription: `projects/${project}/subscriptions/${id}`,
      deadTopic: `projects/${project}/topics/${id}~dead`,
      dead: `projects/${project}/subscriptions/${id}~dead`,
    }
  }

  async #of<R>(name: string, work: (of: { lane: Lane; dead: DeadLetters }) => Promise<R>): Promise<R> {
    const names = this.#namesOf(name)
    const of = this.#lanes.get(name) ?? {
      lane: new Lane(this.#calls, names),
      dead: new DeadLetters(this.#calls, names),
    }
    this.#lanes.set(name, of)
    try {
      return await work(of)
    } catch (error) {
      if (statusOf(error) !== status.notFound) throw error
      this.#lanes.delete(name)
      throw new AshlarError('not_found', `topic '${this.#id}' has no subscription '${name}'; subscribe first`, {
        cause: error,
      })
    }
  }
}

interface Wanted {
  name: string
  topic: string
  filter: string
  messageRetentionDuration: { seconds: number }
}

/** Pub/Sub wants 3 characters at least, and keeps names with `goog` for itself. */
function topicId(name: string): string {
  return name.length < 3 || /^goog/i.test(name) ? `topic~${name}` : name
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const share = await openPubSub(context.url)
  try {
    const driver = new PubSubTopic(share, topicId(engineName(context)))
    await driver.ensure()
    return driver
  } catch (error) {
    await share.close()
    throw error
  }
}

export { codeOf } from '../../pubsub/errors.ts'
