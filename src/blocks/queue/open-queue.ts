import { refuseUnknown, wrap, type Health, type OpenContext, type Stats } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, describe, invalid, type Code } from '../../errors.ts'
import { Lines } from '../../lease/lines.ts'
import { cached } from '../../lease/cached.ts'
import { LeaseConsumer, type Consumer } from '../../lease/consumer.ts'
import { Once, databaseOf } from '../../lease/once.ts'
import { Outbox, refuseTransaction, type Entrusted } from '../../lease/outbox.ts'
import { checkBatch, decode, encode } from '../../lease/payload.ts'
import { settledWithin } from '../../lease/retry.ts'
import type { Transaction } from '../../postgres/sql.ts'
import { count, gauge, observed, traceHeaders, withTrace } from '../../telemetry.ts'
import { toCount } from '../../units.ts'
import type { DeadLetter, Leased, Outgoing, QueueDriver, QueueStats } from './driver.ts'
import { readOptions, readSendOptions, readWorkOptions } from './options.ts'
import type { Job, Queue, QueueOptions, SendOptions, WorkOptions } from './queue.ts'

const flush = { maxBatch: 1_000, maxBytes: 8 * 1024 ** 2, maxWaiting: 100_000 }
const closeMs = 5_000

/** The queue over any driver. */
export class OpenQueue<T> implements Queue<T> {
  readonly kind = 'queue'
  readonly name: string
  readonly driver: string
  readonly #driver: QueueDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #options: QueueOptions<T>
  readonly #limits: ReturnType<typeof readOptions>
  readonly #context: OpenContext
  readonly #once: Once
  readonly #outbox: Outbox<Outgoing> | undefined
  readonly #sends: Lines<Outgoing, string>
  readonly #consumers = new Set<Consumer>()
  readonly #stats: () => Promise<QueueStats>
  #gauges: (() => void)[] = []
  #closing: Promise<void> | undefined

  private constructor(of: Parts<T>, outbox: Outbox<Outgoing> | undefined) {
    this.name = of.context.name
    this.driver = of.scheme
    this.#driver = of.driver
    this.#codeOf = of.codeOf
    this.#options = of.options
    this.#limits = readOptions(of.options)
    this.#context = of.context
    this.#once = new Once(`queue:${engineName(of.context)}`, databaseOf(of.context, of.scheme))
    this.#outbox = outbox
    this.#sends = new Lines((messages) => of.driver.send(messages), flush)
    this.#stats = cached(1_000, () => of.driver.stats())
  }

  static async open<T>(of: Parts<T>): Promise<OpenQueue<T>> {
    try {
      const target = `queue:${engineName(of.context)}`
      const outbox = await Outbox.open<Outgoing>(target, of.context, of.driver.origin, (entrusted) =>
        of.driver.send(entrusted.map((each) => withDedupe(each, of.driver))),
      )
      return new OpenQueue(of, outbox)
    } catch (error) {
      await of.driver.close()
      throw error
    }
  }

  async send(payload: T, options: SendOptions = {}): Promise<string> {
    const [id] = await this.#send('send', [payload], options)
    return id!
  }

  sendMany(payloads: readonly T[], options: SendOptions = {}): Promise<string[]> {
    if (options.dedupe && payloads.length > 1)
      throw invalid(
        `queue '${this.name}': a dedupe key is for one payload, not ${payloads.length}; send them one by one`,
      )
    return this.#send('sendMany', payloads, options)
  }

  async #send(operation: string, payloads: readonly T[], options: SendOptions): Promise<string[]> {
    return this.#observed(operation, 'send', async () => {
      this.#refuseWhenClosed()
      const common = readSendOptions(options, this.#driver.capabilities)
      const what = `queue '${this.name}'`
      const { maxBytes } = this.#driver.capabilities
      const encoded = await Promise.all(payloads.map((each) => encode(what, this.#options.schema, each, maxBytes)))
      checkBatch(what, encoded)
      if (encoded.length === 0) return []
      const headers = traceHeaders()
      const ids = await this.#hand(
        encoded.map(({ body }) => ({ ...common, body, headers })),
        encoded[0]!.bytes,
        options.tx,
      )
      count('ashlar_queue_sent_total', 'Messages sent', { block: this.name }, ids.length)
      return ids
    })
  }

  /** Single messages of one key keep their order; those that wait for nothing else never wait for a key's lock. */
  #hand(messages: Outgoing[], bytes: number, tx: Transaction | undefined): Promise<string[]> {
    if (tx) return this.#handWithin(tx, messages)
    if (messages.length > 1) return this.#driver.send(messages)
    const { key, dedupe } = messages[0]!
    const group = key !== undefined ? `key:${key}` : dedupe ? `dedupe:${dedupe.key}` : ''
    return this.#sends.add(messages[0]!, bytes, group).then((id) => [id])
  }

  #handWithin(tx: Transaction, messages: Outgoing[]): Promise<string[]> {
    if (this.#driver.capabilities.transactions && this.#driver.origin === tx.origin)
      return this.#driver.send(messages, tx)
    if (this.#outbox?.covers(tx)) return this.#outbox.add(tx, messages)
    return refuseTransaction('queue', this.name, tx)
  }

  work(handler: (job: Job<T>) => unknown, options: WorkOptions = {}): Consumer {
    this.#refuseWhenClosed()
    const consumer: Consumer = new LeaseConsumer<Leased>({
      ...this.#limits,
      ...readWorkOptions(options),
      source: this.#driver,
      handle: (lent, signal) => this.#handle(lent, signal, handler),
      kind: 'queue',
      block: this.name,
      log: this.#context.log,
      onClose: () => void this.#consumers.delete(consumer),
    })
    this.#consumers.add(consumer)
    if (this.#gauges.length === 0) this.#gauges = this.#addGauges()
    return consumer
  }

  #handle(lent: Leased, signal: AbortSignal, handler: (job: Job<T>) => unknown): Promise<void> {
    return withTrace(lent.headers, () =>
      observed(
        { kind: 'queue', block: this.name, driver: this.driver, operation: 'handle' },
        async () => {
          const payload = await decode(`queue '${this.name}'`, this.#options.schema, lent.body)
          await handler(this.#jobOf(lent, payload, signal))
        },
        { 'ashlar.message': lent.id, 'ashlar.attempt': lent.attempt },
      ),
    )
  }

  #jobOf({ id, attempt, sentAt, key, token }: Leased, payload: T, signal: AbortSignal): Job<T> {
    return {
      id,
      payload,
      attempt,
      sentAt,
      key,
      token,
      signal,
      once: (name, work) => this.#once.run(`${id}/${name}`, work),
    }
  }

  async dead(options: { limit?: number } = {}): Promise<DeadLetter[]> {
    return this.#observed('dead', 'list dead letters', async () => {
      refuseUnknown('queue.dead', options, ['limit'])
      this.#refuseWithoutDeadLetters()
      return this.#driver.dead({ limit: toCount('limit', options.limit ?? 100, { min: 1, max: 10_000 }) })
    })
  }

  async redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#observed('redrive', 'redrive dead letters', async () => {
      this.#refuseWithoutDeadLetters()
      const redriven = await this.#driver.redrive(ids)
      count('ashlar_queue_redriven_total', 'Dead letters sent back', { block: this.name }, redriven)
      return redriven
    })
  }

  /** By a question that every engine answers fast, however long the queue is. */
  async health(): Promise<Health> {
    const asked = this.#driver.capabilities.deadLetters ? this.#driver.dead({ limit: 1 }) : this.#stats()
    let detail = 'no answer within 2 s'
    const answered = asked.then(
      () => (detail = ''),
      (error: unknown) => (detail = describe(error)),
    )
    await settledWithin(answered, 2_000)
    return detail === '' ? { ok: true } : { ok: false, detail }
  }

  async stats(): Promise<Stats> {
    return this.#observed('stats', 'read figures', async () => ({ ...(await this.#stats()) }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(): Promise<void> {
    for (const remove of this.#gauges) remove()
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await settledWithin(this.#sends.idle(), closeMs)
    const ends = [this.#outbox?.close(), this.#once.close(), this.#driver.close()]
    await settledWithin(Promise.all(ends), closeMs)
  }

  #addGauges(): (() => void)[] {
    return (['ready', 'delayed', 'leased', 'dead', 'oldestAgeMs'] as const).map((what) =>
      gauge(gaugeNames[what], gaugeHelp[what], { block: this.name }, async () => (await this.#stats())[what]),
    )
  }

  async #observed<R>(operation: string, doing: string, work: () => Promise<R>): Promise<R> {
    return observed({ kind: 'queue', block: this.name, driver: this.driver, operation }, async () => {
      try {
        return await work()
      } catch (error) {
        throw wrap(error, { block: this.name, driver: this.driver, doing }, this.#codeOf)
      }
    })
  }

  #refuseWhenClosed(): void {
    if (this.#closing) throw new AshlarError('closed', `queue '${this.name}' is closed`, { block: this.name })
  }

  #refuseWithoutDeadLetters(): void {
    if (this.#driver.capabilities.deadLetters) return
    const message = `queue '${this.name}': ${this.driver}: cannot list dead letters; look at them with the engine's own tools`
    throw new AshlarError('unsupported', message, { block: this.name, driver: this.driver })
  }
}

export interface Parts<T> {
  context: OpenContext
  driver: QueueDriver
  options: QueueOptions<T>
  scheme: string
  codeOf(error: unknown): Code | undefined
}

/** The relay publishes at least once; where the engine can, its second time is dropped. */
function withDedupe({ id, message }: Entrusted<Outgoing>, { capabilities }: QueueDriver): Outgoing {
  if (message.dedupe || !capabilities.dedupe) return message
  return { ...message, dedupe: { key: `outbox:${id}`, windowMs: 86_400_000 } }
}

const gaugeNames = {
  ready: 'ashlar_queue_ready',
  delayed: 'ashlar_queue_delayed',
  leased: 'ashlar_queue_leased',
  dead: 'ashlar_queue_dead',
  oldestAgeMs: 'ashlar_queue_oldest_age_ms',
}
const gaugeHelp = {
  ready: 'Messages ready to be handled',
  delayed: 'Messages that are not due yet, retries included',
  leased: 'Messages with a worker',
  dead: 'Dead letters',
  oldestAgeMs: 'Age of the oldest ready message in milliseconds',
}
