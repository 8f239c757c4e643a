import { nativeOf, type Health, type Native, type OpenContext, type Stats } from '../../block.ts'
import { engineName, type OpenedDriver } from '../../declare.ts'
import { settledWithin } from '../../deadline.ts'
import { AshlarError, invalid } from '../../errors.ts'
import { LeaseConsumer, type Consumer } from '../../lease/consumer.ts'
import { Once, databaseOf } from '../../lease/once.ts'
import { Operations } from '../../lease/operations.ts'
import type { Entrusted } from '../../lease/outbox.ts'
import { readRetryOptions } from '../../lease/options.ts'
import { checkBatch, decode, encode } from '../../lease/payload.ts'
import { Sender } from '../../lease/sender.ts'
import { count, gauge, observed, traceHeaders, withTrace } from '../../telemetry.ts'
import { Desk } from './desk.ts'
import type { DeadLetter, Leased, Outgoing, QueueDriver } from './driver.ts'
import { checkRetries, readSendOptions, readWorkOptions } from './options.ts'
import { QueueSchedules, tickOf } from './schedules.ts'
import type {
  FoundJob,
  Job,
  Queue,
  QueueOptions,
  Schedule,
  ScheduleOptions,
  SendOptions,
  WorkOptions,
} from './queue.ts'

const closeMs = 2_000

/** The queue over any driver. */
export class OpenQueue<T> implements Queue<T> {
  readonly kind = 'queue'
  readonly name: string
  readonly driver: string
  readonly #driver: QueueDriver
  readonly #operations: Operations
  readonly #options: QueueOptions<T>
  readonly #limits: ReturnType<typeof readRetryOptions>
  readonly #context: OpenContext
  readonly #once: Once
  readonly #sender: Sender<Outgoing>
  readonly #consumers = new Set<LeaseConsumer<Leased>>()
  readonly #desk: Desk
  readonly #schedules: QueueSchedules<T>
  #gauges: (() => void)[] = []
  #closing: Promise<void> | undefined

  private constructor(of: Parts<T>, sender: Sender<Outgoing>) {
    this.name = of.context.name
    this.driver = of.scheme
    this.#driver = of.driver
    this.#operations = new Operations('queue', of.context.name, of.scheme, (error) => of.codeOf(error))
    this.#options = of.options
    this.#limits = readRetryOptions(of.options)
    this.#context = of.context
    this.#once = new Once(`queue:${engineName(of.context)}`, databaseOf(of.context, of.scheme))
    this.#sender = sender
    this.#desk = new Desk({
      name: this.name,
      driver: of.driver,
      scheme: of.scheme,
      codeOf: (error) => of.codeOf(error),
      refuseWhenClosed: () => this.#refuseWhenClosed(),
      onCancel: () => this.#consumers.forEach((consumer) => void consumer.renew()),
    })
    this.#schedules = new QueueSchedules({
      context: of.context,
      scheme: of.scheme,
      codeOf: (error) => of.codeOf(error),
      databaseUrl: databaseOf(of.context, of.scheme),
      schema: of.options.schema,
      maxBytes: of.driver.capabilities.maxBytes,
      send: (messages, tx) => sender.send(messages, 0, '', tx),
      refuseWhenClosed: () => this.#refuseWhenClosed(),
    })
  }

  static async open<T>(of: Parts<T>): Promise<OpenQueue<T>> {
    const { context, driver } = of
    try {
      checkRetries(readRetryOptions(of.options), driver.capabilities)
      const sender = await Sender.open<Outgoing>({
        kind: 'queue',
        context,
        origin: driver.origin,
        send: (messages, tx) => driver.send(messages, tx),
        sendEntrusted: (entrusted) => driver.send(entrusted.map((each) => withDedupe(each, driver))),
      })
      return new OpenQueue(of, sender)
    } catch (error) {
      await driver.close()
      throw error
    }
  }

  async send(payload: T, options: SendOptions = {}): Promise<string> {
    const [id] = await this.#send('send', [payload], options)
    return id!
  }

  async sendMany(payloads: readonly T[], options: SendOptions = {}): Promise<string[]> {
    if (options.dedupe && payloads.length > 1)
      throw invalid(
        `queue '${this.name}': a dedupe key is for one payload, not ${payloads.length}; send them one by one`,
      )
    return this.#send('sendMany', payloads, options)
  }

  #send(operation: string, payloads: readonly T[], options: SendOptions): Promise<string[]> {
    return this.#operations.run(operation, 'send', async () => {
      this.#refuseWhenClosed()
      const common = readSendOptions(options, this.#driver.capabilities)
      const what = `queue '${this.name}'`
      const { maxBytes } = this.#driver.capabilities
      const encoded = await Promise.all(payloads.map((each) => encode(what, this.#options.schema, each, maxBytes)))
      if (encoded.length === 0) return []
      const bytes = checkBatch(what, encoded)
      const headers = traceHeaders()
      const messages = encoded.map(({ body }): Outgoing => ({ ...common, body, headers }))
      const ids = await this.#sender.send(messages, bytes, lineOf(common), options.tx)
      count('ashlar_queue_sent_total', 'Messages sent', { block: this.name }, ids.length)
      return ids
    })
  }

  work(handler: (job: Job<T>) => unknown, options: WorkOptions = {}): Consumer {
    this.#refuseWhenClosed()
    const consumer = new LeaseConsumer<Leased>({
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
    this.#schedules.start()
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

  #jobOf({ id, attempt, sentAt, key, token, headers }: Leased, payload: T, signal: AbortSignal): Job<T> {
    return {
      id,
      payload,
      attempt,
      sentAt,
      key,
      token,
      ...tickOf(headers),
      signal,
      progress: (value) => this.#desk.progress(token, value),
      once: (name, work) => this.#once.run(`${id}/${name}`, work),
    }
  }

  dead(options: { limit?: number } = {}): Promise<DeadLetter[]> {
    return this.#desk.dead(options)
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#desk.redrive(ids)
  }

  find(id: string): Promise<FoundJob | undefined> {
    return this.#desk.find(id)
  }

  cancel(ids: readonly string[]): Promise<number> {
    return this.#desk.cancel(ids)
  }

  pause(): Promise<void> {
    return this.#desk.setPaused(true)
  }

  resume(): Promise<void> {
    return this.#desk.setPaused(false)
  }

  schedule(name: string, options: ScheduleOptions<T>): Promise<void> {
    return this.#schedules.put(name, options)
  }

  unschedule(name: string): Promise<boolean> {
    return this.#schedules.remove(name)
  }

  schedules(): Promise<Schedule<T>[]> {
    return this.#schedules.list()
  }

  health(): Promise<Health> {
    return this.#desk.health()
  }

  stats(): Promise<Stats> {
    return this.#desk.stats()
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
    for (const remove of this.#gauges) remove()
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await settledWithin(this.#schedules.close(), closeMs)
    await settledWithin(this.#sender.close(), closeMs)
    await settledWithin(Promise.all([this.#once.close(), this.#driver.close()]), closeMs)
  }

  #addGauges(): (() => void)[] {
    return (['ready', 'delayed', 'leased', 'dead', 'oldestAgeMs'] as const).map((what) =>
      gauge(gaugeNames[what], gaugeHelp[what], { block: this.name }, async () => (await this.#desk.figures())[what]),
    )
  }

  #refuseWhenClosed(): void {
    if (this.#closing) throw new AshlarError('closed', `queue '${this.name}' is closed`, { block: this.name })
  }
}

export interface Parts<T> extends OpenedDriver<QueueDriver> {
  context: OpenContext
  options: QueueOptions<T>
}

/** Senders of one key, or dedupe key, wait for one another in the engine; nobody else should wait with them. */
function lineOf({ key, dedupe }: Pick<Outgoing, 'key' | 'dedupe'>): string {
  if (key !== undefined) return `key:${key}`
  return dedupe ? `dedupe:${dedupe.key}` : ''
}

/** The relay publishes at least once; where the engine can, its second time is dropped. */
function withDedupe({ id, message }: Entrusted<Outgoing>, { capabilities }: QueueDriver): Outgoing {
  if (message.dedupe || !capabilities.dedupe) return message
  return { ...message, dedupe: { key: `outbox:${id}`, windowMs: capabilities.dedupeWindowMs ?? 86_400_000 } }
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
