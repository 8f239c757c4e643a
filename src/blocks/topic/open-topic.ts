import { nativeOf, refuseUnknown, type Health, type Native, type OpenContext, type Stats } from '../../block.ts'
import { engineName, type OpenedDriver } from '../../declare.ts'
import { settledWithin } from '../../deadline.ts'
import { AshlarError } from '../../errors.ts'
import { cached } from '../../lease/cached.ts'
import { LeaseConsumer, type Consumer } from '../../lease/consumer.ts'
import { healthOf } from '../../lease/health.ts'
import { Once, databaseOf } from '../../lease/once.ts'
import { Operations } from '../../lease/operations.ts'
import { checkBatch, decode, encode } from '../../lease/payload.ts'
import type { Retaining } from '../../lease/retaining.ts'
import { Sender } from '../../lease/sender.ts'
import { count, gauge, observed, traceHeaders, withTrace } from '../../telemetry.ts'
import { toCount } from '../../units.ts'
import type { DeadLetter, Delivered, Outgoing, SubscriptionStats, TopicDriver } from './driver.ts'
import { checkSubscription, readFilter, readKeep, readPublishOptions, readSubscribeOptions } from './options.ts'
import type { Message, PublishOptions, SubscribeOptions, Topic, TopicOptions } from './topic.ts'
import { trimming } from './trimming.ts'

const closeMs = 2_000

/** The topic over any driver. */
export class OpenTopic<T> implements Topic<T> {
  readonly kind = 'topic'
  readonly name: string
  readonly driver: string
  readonly #driver: TopicDriver
  readonly #operations: Operations
  readonly #options: TopicOptions<T>
  readonly #context: OpenContext
  readonly #once: Once
  readonly #sender: Sender<Outgoing>
  readonly #trimming: Retaining
  readonly #consumers = new Set<Consumer>()
  readonly #gauges = new Map<string, (() => void)[]>()
  readonly #stats: () => Promise<SubscriptionStats[]>
  #closing: Promise<void> | undefined

  private constructor(of: Parts<T>, sender: Sender<Outgoing>) {
    this.name = of.context.name
    this.driver = of.scheme
    this.#driver = of.driver
    this.#operations = new Operations('topic', of.context.name, of.scheme, (error) => of.codeOf(error))
    this.#options = of.options
    this.#context = of.context
    this.#once = new Once(`topic:${engineName(of.context)}`, databaseOf(of.context, of.scheme))
    this.#sender = sender
    this.#stats = cached(1_000, () => of.driver.stats())
    this.#trimming = trimming({ trim: () => of.driver.trim(), block: this.name, log: of.context.log })
    if (of.context.relays) this.#trimming.begin()
  }

  static async open<T>(of: Parts<T>): Promise<OpenTopic<T>> {
    const { context, driver } = of
    try {
      const sender = await Sender.open<Outgoing>({
        kind: 'topic',
        context,
        origin: driver.origin,
        send: (messages, tx) => driver.publish(messages, tx),
        sendEntrusted: (entrusted) => driver.publish(entrusted.map(({ message }) => message)),
      })
      return new OpenTopic(of, sender)
    } catch (error) {
      await driver.close()
      throw error
    }
  }

  async publish(payload: T, options: PublishOptions = {}): Promise<string> {
    const [id] = await this.#publish('publish', [payload], options)
    return id!
  }

  publishMany(payloads: readonly T[], options: PublishOptions = {}): Promise<string[]> {
    return this.#publish('publishMany', payloads, options)
  }

  #publish(operation: string, payloads: readonly T[], options: PublishOptions): Promise<string[]> {
    return this.#operations.run(operation, 'publish', async () => {
      this.#refuseWhenClosed()
      const common = readPublishOptions(options, this.#driver.capabilities)
      const what = `topic '${this.name}'`
      const { maxBytes } = this.#driver.capabilities
      const encoded = await Promise.all(payloads.map((each) => encode(what, this.#options.schema, each, maxBytes)))
      if (encoded.length === 0) return []
      const bytes = checkBatch(what, encoded)
      const headers = traceHeaders()
      const messages = encoded.map(({ body }): Outgoing => ({ ...common, body, headers }))
      const line = common.key === undefined ? '' : `key:${common.key}`
      const ids = await this.#sender.send(messages, bytes, line, options.tx)
      count('ashlar_topic_published_total', 'Messages published', { block: this.name }, ids.length)
      return ids
    })
  }

  async subscribe(
    name: string,
    handler: (message: Message<T>) => unknown,
    options: SubscribeOptions = {},
  ): Promise<Consumer> {
    return this.#operations.run('subscribe', `subscribe '${name}'`, async () => {
      this.#refuseWhenClosed()
      checkSubscription(name)
      const setup = readSubscribeOptions(options)
      const { capabilities } = this.#driver
      const subscription = { name, filter: readFilter(options, capabilities), keep: readKeep(options, capabilities) }
      await this.#driver.subscribe(subscription)
      this.#refuseWhenClosed()
      const driver = this.#driver
      const consumer: Consumer = new LeaseConsumer<Delivered>({
        ...setup,
        source: {
          receive: (asked) => driver.receive(name, asked),
          settle: (settlements) => driver.settle(name, settlements),
          extend: (tokens, leaseMs) => driver.extend(name, tokens, leaseMs),
        },
        handle: (lent, signal) => this.#handle(name, lent, signal, handler),
        kind: 'topic',
        block: this.name,
        log: this.#context.log,
        onClose: () => void this.#consumers.delete(consumer),
      })
      this.#consumers.add(consumer)
      this.#trimming.begin()
      if (!this.#gauges.has(name)) this.#gauges.set(name, this.#addGauges(name))
      return consumer
    })
  }

  #handle(
    subscription: string,
    lent: Delivered,
    signal: AbortSignal,
    handler: (message: Message<T>) => unknown,
  ): Promise<void> {
    return withTrace(lent.headers, () =>
      observed(
        { kind: 'topic', block: this.name, driver: this.driver, operation: 'handle' },
        async () => {
          const payload = await decode(`topic '${this.name}'`, this.#options.schema, lent.body)
          await handler(this.#messageOf(subscription, lent, payload, signal))
        },
        { 'ashlar.message': lent.id, 'ashlar.subscription': subscription, 'ashlar.attempt': lent.attempt },
      ),
    )
  }

  #messageOf(subscription: string, lent: Delivered, payload: T, signal: AbortSignal): Message<T> {
    const { id, attributes, key, attempt, publishedAt, token } = lent
    return {
      id,
      payload,
      attributes,
      key,
      attempt,
      publishedAt,
      token,
      signal,
      once: (name, work) => this.#once.run(`${subscription}/${id}/${name}`, work),
    }
  }

  unsubscribe(name: string): Promise<void> {
    return this.#operations.run('unsubscribe', `unsubscribe '${name}'`, () =>
      this.#driver.unsubscribe(checkSubscription(name)),
    )
  }

  dead(subscription: string, options: { limit?: number } = {}): Promise<DeadLetter[]> {
    return this.#operations.run('dead', 'list dead letters', async () => {
      refuseUnknown('topic.dead', options, ['limit'])
      this.#refuseWithoutDeadLetters()
      const limit = toCount('limit', options.limit ?? 100, { min: 1, max: 10_000 })
      return this.#driver.dead(checkSubscription(subscription), { limit })
    })
  }

  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#operations.run('redrive', 'redrive dead letters', async () => {
      this.#refuseWithoutDeadLetters()
      const redriven = await this.#driver.redrive(checkSubscription(subscription), ids)
      count('ashlar_topic_redriven_total', 'Dead letters sent back', { block: this.name }, redriven)
      return redriven
    })
  }

  subscriptions(): Promise<SubscriptionStats[]> {
    return this.#operations.run('subscriptions', 'read figures', () => this.#driver.stats())
  }

  health(): Promise<Health> {
    return healthOf(this.#stats(), this.#driver.caution)
  }

  /** Sums over all subscriptions; `oldestAgeMs` is that of the slowest. */
  stats(): Promise<Stats> {
    return this.#operations.run('stats', 'read figures', async () => {
      const all = await this.#stats()
      return {
        subscriptions: all.length,
        pending: all.reduce((sum, { pending }) => sum + pending, 0),
        dead: all.reduce((sum, { dead }) => sum + dead, 0),
        dropped: all.reduce((sum, { dropped }) => sum + dropped, 0),
        oldestAgeMs: all.reduce((oldest, { oldestAgeMs }) => Math.max(oldest, oldestAgeMs), 0),
      }
    })
  }

  native<N extends object>(of: Native<N>): N {
    return nativeOf(this, this.#driver.native, of)
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(): Promise<void> {
    for (const remove of [...this.#gauges.values()].flat()) remove()
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await Promise.all([this.#trimming.close(), settledWithin(this.#sender.close(), closeMs)])
    await settledWithin(Promise.all([this.#once.close(), this.#driver.close()]), closeMs)
  }

  #addGauges(subscription: string): (() => void)[] {
    const labels = { block: this.name, subscription }
    const read = async (what: 'pending' | 'dead' | 'oldestAgeMs') => {
      const all = await this.#stats()
      const value = all.find((each) => each.subscription === subscription)?.[what]
      return Number.isNaN(value) ? undefined : value
    }
    return [
      gauge('ashlar_topic_pending', 'Messages that a subscription has not settled', labels, () => read('pending')),
      gauge('ashlar_topic_dead', 'Dead letters of a subscription', labels, () => read('dead')),
      gauge('ashlar_topic_oldest_age_ms', 'Age of the oldest ready message in milliseconds', labels, () =>
        read('oldestAgeMs'),
      ),
    ]
  }

  #refuseWhenClosed(): void {
    if (this.#closing) throw new AshlarError('closed', `topic '${this.name}' is closed`, { block: this.name })
  }

  #refuseWithoutDeadLetters(): void {
    if (this.#driver.capabilities.deadLetters) return
    const message = `topic '${this.name}': ${this.driver}: cannot list dead letters; look at them with the engine's own tools`
    throw new AshlarError('unsupported', message, { block: this.name, driver: this.driver })
  }
}

export interface Parts<T> extends OpenedDriver<TopicDriver> {
  context: OpenContext
  options: TopicOptions<T>
}
