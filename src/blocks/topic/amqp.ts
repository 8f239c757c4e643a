/*
 * URL: `amqp://user:password@host:port/vhost`, or `amqps:`, options as `amqp/url.ts` reads them. RabbitMQ 3.10 or newer.
 * No transactions (the outbox keeps them), no order per key, no `keep.messages`; a filter has at most 500 combinations of
 * values. At rest: the headers exchange `topic:NAME`; for each subscription a quorum queue `topic:NAME:ID`, with its dead
 * letters in `topic:NAME:ID:dead`; which subscriptions there are in the stream `topic:NAME:subscriptions`. Messages are as those
 * of a queue, with a header `attribute.NAME` for each attribute. What was delayed for a retry is told, in `stats`, only of this
 * process, and so is what is leased: AMQP tells neither.
 */
import type { Channel } from 'amqplib'
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { Journal } from '../../amqp/journal.ts'
import { Lane, inTime } from '../../amqp/lane.ts'
import { Link } from '../../amqp/link.ts'
import { headersOf } from '../../amqp/message.ts'
import type { AmqpNative } from '../../amqp/native.ts'
import { quorum } from '../../amqp/quorum.ts'
import { AshlarError } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { attributeHeaders, bindingsOf, type Binding } from './amqp-filter.ts'
import { isSame, Subscriptions, type Entry, type Known } from './amqp-subscriptions.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'

class AmqpTopic implements TopicDriver {
  readonly capabilities = {
    transactions: false,
    filters: true,
    changesFilters: true,
    ordered: false,
    deadLetters: true,
    history: true,
    keepsMessages: false,
    trims: true,
    figures: true,
    maxBytes: 1024 ** 2,
  }
  readonly native: AmqpNative
  readonly #link: Link
  readonly #topic: string
  readonly #exchange: string
  readonly #subscriptions = new Subscriptions((id) => this.#close(id))
  readonly #journal: Journal<Entry>
  readonly #lanes = new Map<string, Lane>()

  constructor(link: Link, topic: string) {
    this.#link = link
    this.#topic = topic
    this.#exchange = `topic:${topic}`
    this.native = { exchange: this.#exchange, route: '', connection: async () => (await link.line()).model }
    this.#journal = new Journal(link, `${this.#exchange}:subscriptions`, (entry) => this.#subscriptions.apply(entry))
  }

  async open(): Promise<void> {
    await this.#link.use((channel) => channel.assertExchange(this.#exchange, 'headers'))
    await this.#journal.open()
    await this.#sweep()
  }

  async publish(messages: readonly Outgoing[]): Promise<string[]> {
    const sentMs = Date.now()
    const parcels = messages.map(({ body, headers, attributes }) => ({
      exchange: this.#exchange,
      route: '',
      mandatory: false,
      id: randomUUID(),
      body: Buffer.from(body),
      headers: { ...headersOf({ sentMs, headers, attributes }), ...attributeHeaders(attributes) },
    }))
    const errors = await inTime(this.#link.publisher.publish(parcels))
    const failure = errors.find((error) => error !== undefined)
    if (failure) throw failure
    return parcels.map(({ id }) => id)
  }

  subscribe(subscription: Subscription): Promise<void> {
    return inTime(this.#subscribe(subscription))
  }

  async #subscribe({ name, filter, keep }: Subscription): Promise<void> {
    bindingsOf(filter)
    await this.#journal.open()
    const before = this.#subscriptions.get(name)
    if (!before || before.keep.ms !== keep.ms || !isSame(before.filter, filter))
      await this.#journal.append({ said: 'subscribed', name, id: shortId(), filter, ms: keep.ms })
    const known = this.#subscriptions.get(name)
    if (known) await this.#bind(known)
  }

  /** Makes its queues, and lets them have what the filter says. Whoever changes it meanwhile does the same after us. */
  async #bind(known: Known): Promise<void> {
    const { name, id, filter, stale } = known
    const [wanted, unwanted] = [bindingsOf(filter), stale.flatMap((each) => bindingsOf(each))]
    await this.#link.use(async (channel) => {
      const queue = this.#queueOf(id)
      await channel.assertQueue(queue, quorum)
      await channel.assertQueue(`${queue}:dead`, quorum)
      for (const binding of wanted) await channel.bindQueue(queue, this.#exchange, '', binding)
      await this.#unbind(channel, queue, unwanted, wanted)
    })
    if (!known.isBound) await this.#journal.append({ said: 'bound', name, id, filter })
    const now = this.#subscriptions.get(name)
    if (now?.id !== id || isSame(now.filter, filter)) return
    await this.#link.use((channel) => this.#unbind(channel, this.#queueOf(id), wanted, bindingsOf(now.filter)))
  }

  async #unbind(channel: Channel, queue: string, these: readonly Binding[], but: readonly Binding[]): Promise<void> {
    const kept = new Set(but.map((each) => JSON.stringify(each)))
    for (const binding of these)
      if (!kept.has(JSON.stringify(binding))) await channel.unbindQueue(queue, this.#exchange, '', binding)
  }

  async unsubscribe(name: string): Promise<void> {
    await inTime(this.#unsubscribe(name))
  }

  async #unsubscribe(name: string): Promise<void> {
    await this.#journal.open()
    const known = this.#subscriptions.get(name)
    if (known) await this.#journal.append({ said: 'ended', name, id: known.id })
    await this.#sweep()
  }

  /** Deletes the queues of what has ended, also where somebody died who meant to. */
  async #sweep(): Promise<void> {
    for (const id of this.#subscriptions.ended) {
      await this.#link.use(async (channel) => {
        await channel.deleteQueue(this.#queueOf(id))
        await channel.deleteQueue(`${this.#queueOf(id)}:dead`)
      })
      await this.#journal.append({ said: 'gone', id })
    }
  }

  async receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]> {
    const lent = await (await this.#lane(subscription)).receive(options)
    return lent.map(({ id, body, headers, attributes, attempt, sentMs, token }) => {
      return { id, body: body.toString(), headers, attributes, attempt, publishedAt: new Date(sentMs), token }
    })
  }

  async settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    const lane = await this.#lane(subscription)
    return inTime(lane.settle(settlements))
  }

  async extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const lane = await this.#lane(subscription)
    return inTime(lane.extend(tokens, leaseMs))
  }

  async dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    const lane = await this.#lane(subscription)
    const dead = await inTime(lane.dead.list(limit))
    return dead.map(({ id, body, attributes, attempts, error, history, diedMs }) => {
      return { id, body: body.toString(), attributes, attempts, error, diedAt: new Date(diedMs), history }
    })
  }

  async redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    const lane = await this.#lane(subscription)
    return inTime(lane.redrive(ids))
  }

  async stats(): Promise<SubscriptionStats[]> {
    await this.#journal.open()
    const all = this.#subscriptions.all().map(async ({ name, dropped }) => {
      const { ready, delayed, leased, dead, oldestAgeMs } = await (await this.#lane(name)).stats()
      return { subscription: name, pending: ready + delayed + leased, dead, oldestAgeMs, dropped }
    })
    return inTime(Promise.all(all))
  }

  async trim(): Promise<{ subscription: string; dropped: number }[]> {
    await this.#journal.open()
    return inTime(Promise.all(this.#subscriptions.all().map((known) => this.#trim(known))))
  }

  async #trim({ name, id, keep }: Known): Promise<{ subscription: string; dropped: number }> {
    const dropped = await (await this.#lane(name)).trim(keep.ms)
    if (dropped > 0) await this.#journal.append({ said: 'dropped', name, id, count: dropped })
    return { subscription: name, dropped }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
    await this.#journal.close()
    await this.#link.close()
  }

  async #lane(name: string): Promise<Lane> {
    await this.#journal.open()
    const known = this.#subscriptions.get(name)
    if (!known) throw this.#notFound(name)
    const lane = this.#lanes.get(known.id) ?? new Lane(this.#link, this.#queueOf(known.id), checked)
    this.#lanes.set(known.id, lane)
    return lane
  }

  #notFound(name: string): AshlarError {
    return new AshlarError('not_found', `topic '${this.#topic}' has no subscription '${name}'; subscribe first`)
  }

  #close(id: string): void {
    const lane = this.#lanes.get(id)
    this.#lanes.delete(id)
    void lane?.close()
  }

  #queueOf(id: string): string {
    return `${this.#exchange}:${id}`
  }
}

/** Whoever ends a subscription takes its queue away; nobody makes it again. */
async function checked(channel: Channel, queue: string): Promise<void> {
  await channel.checkQueue(queue)
}

function shortId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 16)
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const link = Link.take(context.url)
  try {
    const topic = new AmqpTopic(link, engineName(context))
    await topic.open()
    return topic
  } catch (error) {
    await link.close()
    throw error
  }
}

export { codeOf } from '../../amqp/fault.ts'
