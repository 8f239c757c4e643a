import { nativeOf, refuseUnknown, type Health, type Native, type OpenContext, type Stats } from '../../block.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe } from '../../errors.ts'
import { cached } from '../../lease/cached.ts'
import { healthOf } from '../../lease/health.ts'
import { Asking } from './asking.ts'
import type { Transaction } from '../../postgres/sql.ts'
import { count, gauge, observed, withTrace } from '../../telemetry.ts'
import { toCount } from '../../units.ts'
import { Appender } from './appender.ts'
import { GroupConsumer } from './consumer.ts'
import type { Bounds, GroupStats, StoredRecord, StreamDriver } from './driver.ts'
import { memberOf } from './member.ts'
import { readConsumeOptions, readStreamOptions } from './options.ts'
import { checkPlace, offsetsOf } from './places.ts'
import { pagesOf } from './reader.ts'
import { checkGroup, entriesOf, parkedEntryOf } from './records.ts'
import { Retaining } from '../../lease/retaining.ts'
import type { ConsumeContext, ConsumeOptions, Consumer, Entry, ParkedEntry, Stream, StreamOptions } from './stream.ts'

export interface Parts<T> extends OpenedDriver<StreamDriver> {
  context: OpenContext
  options: StreamOptions<T>
}

type Handler<T> = (entries: readonly Entry<T>[], context: ConsumeContext) => unknown
type ReadOptions = NonNullable<Parameters<Stream<unknown>['read']>[0]>

/** The stream over any driver. */
export class OpenStream<T> implements Stream<T> {
  readonly kind = 'stream'
  readonly name: string
  readonly driver: string
  readonly #what: string
  readonly #driver: StreamDriver
  readonly #options: StreamOptions<T>
  readonly #context: OpenContext
  readonly #asking: Asking
  readonly #appender: Appender<T>
  readonly #retaining: Retaining
  readonly #consumers = new Set<GroupConsumer>()
  readonly #groups: () => Promise<GroupStats[]>
  readonly #closed = new AbortController()
  readonly #gauges = new Map<string, () => void>()
  #closing: Promise<void> | undefined

  /** Takes the driver over: when opening fails it is closed. */
  static async open<T>(parts: Parts<T>): Promise<OpenStream<T>> {
    const { context, scheme, driver, options, codeOf } = parts
    const asking = new Asking(context.name, scheme, codeOf)
    try {
      refuseCompaction(parts)
      const appender = await Appender.open(context, { driver, asking, schema: options.schema })
      return new OpenStream(parts, asking, appender)
    } catch (error) {
      await driver.close()
      throw error
    }
  }

  private constructor({ context, driver, options, scheme }: Parts<T>, asking: Asking, appender: Appender<T>) {
    this.name = context.name
    this.driver = scheme
    this.#what = `stream '${context.name}'`
    this.#driver = driver
    this.#options = options
    this.#context = context
    this.#asking = asking
    this.#appender = appender
    this.#groups = cached(1_000, () => driver.groups())
    this.#retaining = new Retaining(() => this.#trim())
    if (context.relays) this.#retaining.begin()
  }

  append(value: T, options: { tx?: Transaction; key?: string } = {}): Promise<void> {
    return this.#run('append', 'append', async () => {
      refuseUnknown('stream.append', options, ['tx', 'key'])
      await this.#append([value], options)
    })
  }

  appendMany(values: readonly T[], options: { tx?: Transaction } = {}): Promise<void> {
    return this.#run('appendMany', 'append', async () => {
      refuseUnknown('stream.appendMany', options, ['tx'])
      await this.#append(values, options)
    })
  }

  async #append(values: readonly T[], { tx, key }: { tx?: Transaction; key?: string }): Promise<void> {
    const keyed = values.map((value) => ({ value, key: key ?? this.#options.key?.(value) }))
    await this.#appender.append(keyed, tx)
    count('ashlar_stream_appended_total', 'Records appended', { block: this.name }, values.length)
  }

  remove(key: string, options: { tx?: Transaction } = {}): Promise<void> {
    return this.#run('remove', 'remove a key', async () => {
      refuseUnknown('stream.remove', options, ['tx'])
      await this.#appender.remove(key, options.tx)
    })
  }

  async consume(group: string, handler: Handler<T>, options: ConsumeOptions = {}): Promise<Consumer> {
    this.#refuseWhenClosed()
    checkGroup(this.#what, group)
    const { from, ...read } = readConsumeOptions(this.#what, options)
    const member = { group, member: crypto.randomUUID(), sessionMs: read.sessionMs, from }
    const consumer = await GroupConsumer.open({
      ...read,
      ...memberOf(this.#driver, this.#asking, member),
      block: this.name,
      group,
      log: this.#context.log,
      handle: (partition, records, context) => this.#handle(partition, records, context, handler),
      onClose: () => void this.#consumers.delete(consumer),
    })
    this.#consumers.add(consumer)
    this.#retaining.begin()
    this.#addGauges(group)
    if (this.#closing) await consumer.close()
    return consumer
  }

  #handle(
    partition: number,
    records: readonly StoredRecord[],
    context: ConsumeContext,
    handler: Handler<T>,
  ): Promise<void> {
    const of = { kind: 'stream', block: this.name, driver: this.driver, operation: 'handle' }
    const attributes = { 'ashlar.partition': partition, 'ashlar.offset': String(records[0]!.offset) }
    return withTrace(records[0]!.headers, () =>
      observed(
        of,
        async () => {
          await handler(await this.#entries(partition, records), context)
        },
        attributes,
      ),
    )
  }

  #entries(partition: number, records: readonly StoredRecord[]): Promise<Entry<T>[]> {
    return entriesOf(this.#what, this.#options.schema, partition, records)
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<Entry<T>> {
    this.#refuseWhenClosed()
    refuseUnknown('stream.read', options, ['from', 'partition', 'follow', 'signal'])
    const { from = 'start', partition, follow = false, signal } = options
    const last = this.#driver.partitions - 1
    const partitions =
      partition === undefined
        ? Array.from({ length: last + 1 }, (_, each) => each)
        : [toCount('stream.read partition', partition, { max: last })]
    const place = checkPlace(this.#what, from)
    const begin = await this.#run('offsets', 'find a place', () => offsetsOf(this.#driver, place))
    const ends = follow ? undefined : (await this.bounds()).map(({ end }) => end)
    const either = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal
    const pages = pagesOf({
      partitions,
      from: begin,
      until: ends,
      signal: either,
      read: (...of) => this.#asking.wait('read', () => this.#driver.read(...of)),
    })
    for await (const { partition: of, records } of pages)
      for (const record of records) yield* await this.#entries(of, [record])
  }

  seek(group: string, to: 'start' | 'end' | Date): Promise<void> {
    return this.#run('seek', `move group '${group}'`, async () => {
      checkGroup(this.#what, group)
      const offsets = await offsetsOf(this.#driver, checkPlace(this.#what, to))
      await this.#driver.seek(group, new Map(offsets.entries()))
    })
  }

  parked(group: string, options: { limit?: number } = {}): Promise<ParkedEntry[]> {
    return this.#run('parked', 'list parked records', async () => {
      checkGroup(this.#what, group)
      refuseUnknown('stream.parked', options, ['limit'])
      const limit = toCount('limit', options.limit ?? 100, { min: 1, max: 10_000 })
      return (await this.#driver.parked(group, { limit })).map(parkedEntryOf)
    })
  }

  bounds(): Promise<Bounds[]> {
    return this.#run('bounds', 'ask for bounds', () => this.#driver.bounds())
  }

  groups(): Promise<GroupStats[]> {
    return this.#run('groups', 'list groups', () => this.#driver.groups())
  }

  health(): Promise<Health> {
    if (this.#closing) return Promise.resolve({ ok: false, detail: 'closed' })
    return healthOf(this.#driver.bounds(), this.#driver.caution)
  }

  stats(): Promise<Stats> {
    return this.#run('stats', 'ask for figures', async () => {
      const { contiguous } = this.#driver.capabilities
      const [bounds, groups] = await Promise.all([this.#driver.bounds(), this.#groups()])
      const lags = groups.map(({ partitions }) => sum(partitions.map(({ lag }) => lag)))
      return {
        ...(contiguous ? { records: sum(bounds.map(({ start, end }) => Number(end) - Number(start))) } : {}),
        groups: groups.length,
        members: sum(groups.map(({ members }) => members)),
        parked: sum(groups.map(({ parked }) => parked)),
        lag: Math.max(0, ...lags),
      }
    })
  }

  /** Lag of each partition of a group, told by the process that owns it. */
  #addGauges(group: string): void {
    if (this.#gauges.has(group)) return
    const stops = Array.from({ length: this.#driver.partitions }, (_, partition) => {
      const labels = { block: this.name, group, partition: String(partition) }
      const owns = () =>
        [...this.#consumers].some((each) => each.group === group && each.partitions.includes(partition))
      const read = async () => {
        if (!owns()) return undefined
        const of = (await this.#groups()).find((each) => each.group === group)
        return of?.partitions.find((each) => each.partition === partition)?.lag
      }
      return gauge('ashlar_stream_lag', 'Records that a group has not yet handled', labels, read)
    })
    this.#gauges.set(group, () => stops.forEach((stop) => stop()))
  }

  async #trim(): Promise<void> {
    const { retention } = readStreamOptions(this.#options)
    try {
      const dropped = await this.#run('trim', 'drop old records', () => this.#driver.trim(retention))
      if (dropped > 0) this.#context.log.debug({ block: this.name, dropped }, 'stream: dropped old records')
    } catch (error) {
      this.#context.log.warn({ block: this.name, error: describe(error) }, 'stream: cannot drop old records now')
    }
  }

  async #run<R>(operation: string, doing: string, work: () => Promise<R>): Promise<R> {
    this.#refuseWhenClosed()
    return this.#asking.run(operation, doing, work)
  }

  #refuseWhenClosed(): void {
    if (this.#closing)
      throw new AshlarError('closed', `${this.#what} is closed`, { block: this.name, driver: this.driver })
  }

  native<N extends object>(of: Native<N>): N {
    return nativeOf(this, this.#driver.native, of)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closed.abort()
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    for (const stop of this.#gauges.values()) stop()
    await this.#retaining.close()
    await this.#appender.close()
    await this.#driver.close()
  }
}

function refuseCompaction<T>({ context, driver, options, scheme }: Parts<T>): void {
  if (!options.compact || driver.capabilities.compaction) return
  throw new AshlarError(
    'unsupported',
    `stream '${context.name}': the driver '${scheme}' has no compaction; leave out compact, or use an engine that has it`,
    { block: context.name, driver: scheme },
  )
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)
