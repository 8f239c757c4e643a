import { wrap, type Health, type Log, type OpenContext, type Stats } from '../../block.ts'
import { Breaker } from '../../breaker.ts'
import { withinMs } from '../../deadline.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe, invalid, isAshlarError, type Code } from '../../errors.ts'
import { Gather } from '../../gather.ts'
import type { Transaction } from '../../postgres/sql.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import { toCount } from '../../units.ts'
import { checkId, checkVersion, readDocument, type Reader } from './document.ts'
import type { FoundDocument, Indexed, Indexing, SearchDriver } from './driver.ts'
import { highlight } from './highlight.ts'
import { readFields } from './options.ts'
import { Outboxes } from './outbox.ts'
import { checkText, readQuery } from './query.ts'
import { retried } from './retry.ts'
import type { Hit, Search, SearchOptions, SearchQuery, SearchResult } from './search.ts'
import { fieldText } from './terms.ts'

const searchLimitMs = 10_000
const putLimitMs = 30_000
const batchSize = 500

export interface Parts<D> extends OpenedDriver<SearchDriver> {
  context: OpenContext
  options: SearchOptions<D>
}

/** Checks, batches, retries and measures around a driver. */
export class OpenIndex<D extends object> implements Search<D> {
  readonly kind = 'search'
  readonly name: string
  readonly driver: string
  readonly #driver: SearchDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #reader: Reader<D>
  readonly #log: Log
  readonly #gather: Gather<Indexing, Indexed>
  readonly #breaker = new Breaker({ deadlineMs: putLimitMs, failures: 5 })
  readonly #gauges: (() => void)[]
  #outboxes: Outboxes | undefined
  #stale = false
  #closing: Promise<void> | undefined

  /** Makes or checks the index, and starts to move outbox rows where that is this process's job. */
  static async open<D extends object>(parts: Parts<D>): Promise<Search<D>> {
    const opened = new OpenIndex(parts)
    try {
      await opened.#start(parts.context)
      return opened
    } catch (error) {
      await opened.close().catch(() => undefined)
      throw error
    }
  }

  private constructor({ context, driver, options, scheme, codeOf }: Parts<D>) {
    this.name = context.name
    this.driver = scheme
    this.#driver = driver
    this.#codeOf = codeOf
    this.#log = context.log
    this.#reader = { fields: readFields<D>(options), id: options.id, schema: options.schema }
    // One batch at a time: what one caller puts in order is applied in order.
    this.#gather = new Gather((items) => this.#send(items), { maxBatch: batchSize, maxUnderWay: 1, maxWaiting: 20_000 })
    this.#gauges = this.#addGauges()
  }

  async #start(context: OpenContext): Promise<void> {
    this.#stale = (await this.#ask('ensure', putLimitMs, () => this.#driver.ensure(this.#reader.fields))) === 'stale'
    if (this.#stale) this.#log.warn({ block: this.name }, staleDetail)
    this.#outboxes = await this.#run('open outbox', () => Outboxes.open(context, (items) => this.#relayed(items)))
  }

  /** What comes through the outbox; in the trace of the one who put it there. */
  #relayed(items: readonly Indexing[]): Promise<Indexed[]> {
    return observed({ kind: this.kind, ...this.#names, operation: 'index' }, () => this.#send(items))
  }

  async put(document: D, { version, tx, ...rest }: { version?: number; tx?: Transaction } = {}): Promise<void> {
    refuseOthers('put', rest)
    await this.#observe('put', async () => {
      checkVersion(version)
      const read = await readDocument(this.#reader, document)
      await this.#apply({ ...read, version }, tx)
    })
  }

  async remove(id: string, { version, tx, ...rest }: { version?: number; tx?: Transaction } = {}): Promise<void> {
    refuseOthers('remove', rest)
    await this.#observe('remove', () => this.#apply({ id: checkId(id), version: checkVersion(version) }, tx))
  }

  async #apply(item: Indexing, tx: Transaction | undefined): Promise<void> {
    if (tx) return this.#run('add to outbox', async () => this.#outboxes!.in(tx).add(tx, item))
    const outcome = await this.#gather.ask(item)
    if (outcome.outcome === 'refused') throw invalid(`document '${item.id}': ${outcome.error}`, this.#names)
  }

  putMany(documents: readonly { document: D; version?: number }[]): Promise<Indexed[]> {
    return this.#observe('putMany', async () => {
      const outcomes: Indexed[] = []
      for (let at = 0; at < documents.length; at += batchSize)
        outcomes.push(...(await this.#putSlice(documents.slice(at, at + batchSize), at)))
      return outcomes
    })
  }

  async #putSlice(slice: readonly { document: D; version?: number }[], at: number): Promise<Indexed[]> {
    const read = await Promise.all(slice.map((each, index) => this.#readOne(each, at + index)))
    return Promise.all(read.map(async (item) => ('outcome' in item ? item : this.#gather.ask(item))))
  }

  /** The document ready to be put, or its refusal. */
  async #readOne({ document, version }: { document: D; version?: number }, index: number): Promise<Indexing | Indexed> {
    try {
      checkVersion(version)
      return { ...(await readDocument(this.#reader, document)), version }
    } catch (error) {
      this.#countItems('refused', 1)
      const id = (document as { id?: unknown } | null | undefined)?.id
      const shown = typeof id === 'string' ? id : ''
      return { id: shown, outcome: 'refused', error: `item ${index}: ${describe(error)}` }
    }
  }

  /** One batch to the engine. Versions make it harmless to send it again. */
  async #send(items: readonly Indexing[]): Promise<Indexed[]> {
    const outcomes = await this.#ask('put', putLimitMs, () => this.#driver.put(items))
    for (const kind of ['stored', 'older', 'refused'] as const)
      this.#countItems(kind, outcomes.filter(({ outcome }) => outcome === kind).length)
    return outcomes
  }

  #countItems(outcome: Indexed['outcome'], by: number): void {
    if (by > 0) count('ashlar_search_items_total', 'Documents put, by outcome', { block: this.name, outcome }, by)
  }

  search(text: string, query: SearchQuery<D> = {}): Promise<SearchResult<D>> {
    return this.#observe('search', async () => {
      const read = readQuery(this.#reader.fields, text, query)
      const found = await this.#ask('search', searchLimitMs, () => this.#driver.search(read))
      if (found.total === 0) count('ashlar_search_empty_total', 'Searches that found nothing', { block: this.name })
      const { total, exact, corrected } = found
      const facets = found.facets as SearchResult<D>['facets']
      return { hits: found.hits.map((hit) => toHit<D>(hit)), total, exact, facets, corrected }
    })
  }

  complete(prefix: string, limit = 8): Promise<string[]> {
    return this.#observe('complete', async () => {
      if (this.#reader.fields.complete === undefined)
        throw new AshlarError(
          'unsupported',
          `search '${this.name}': no field is offered by completion; name one by the option complete`,
        )
      const checked = checkText(prefix)
      const most = toCount('limit', limit, { min: 1, max: 50 })
      return this.#ask('complete', searchLimitMs, () => this.#driver.complete(checked, most))
    })
  }

  refresh(): Promise<void> {
    return this.#observe('refresh', () => this.#ask('refresh', putLimitMs, () => this.#driver.refresh()))
  }

  rebuild(documents: AsyncIterable<{ document: D; version: number }>): Promise<number> {
    return this.#observe('rebuild', async () => {
      const stored = await this.#run('rebuild', () => this.#driver.rebuild(this.#batches(documents)))
      this.#stale = false
      return stored
    })
  }

  /** A document that cannot be indexed ends a rebuild: the index in use would lose it silently. */
  async *#batches(documents: AsyncIterable<{ document: D; version: number }>): AsyncGenerator<Indexing[]> {
    let batch: Indexing[] = []
    for await (const { document, version } of documents) {
      if (version === undefined) throw invalid('rebuild: each document needs the version that its puts have')
      batch.push({ ...(await readDocument(this.#reader, document)), version: checkVersion(version) })
      if (batch.length < batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, detail: 'closed' }
    try {
      await withinMs(this.#driver.complete('health', 1), 2000)
      return this.#stale ? { ok: true, detail: staleDetail } : { ok: true }
    } catch (error) {
      return { ok: false, detail: describe(error) }
    }
  }

  async stats(): Promise<Stats> {
    const { documents, bytes } = await this.#ask('stats', searchLimitMs, () => this.#driver.stats())
    const outbox = await this.#run('stats', async () => this.#outboxes?.stats())
    return { documents, bytes, stale: this.#stale ? 1 : 0, ...outbox }
  }

  #addGauges(): (() => void)[] {
    const labels = { block: this.name }
    return [
      gauge('ashlar_search_documents', 'Documents in the index', labels, async () => (await this.stats()).documents),
      gauge(
        'ashlar_search_parked',
        'Changes from the outbox that the index refused',
        labels,
        async () => (await this.#outboxes?.stats())?.parked,
      ),
    ]
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    for (const remove of this.#gauges) remove()
    await withinMs(Promise.resolve(this.#outboxes?.close()), 5000).catch(() => undefined)
    await withinMs(this.#driver.close(), 5000)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #names() {
    return { block: this.name, driver: this.driver }
  }

  #observe<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return observed({ kind: this.kind, ...this.#names, operation }, async () => {
      if (this.#closing) throw new AshlarError('closed', `search '${this.name}' is closed`, this.#names)
      return work()
    })
  }

  /** Asks the engine within a time limit; what fails because it is away is tried again for a moment. */
  #ask<T>(doing: string, limitMs: number, work: () => Promise<T>): Promise<T> {
    return this.#run(doing, () =>
      retried(limitMs, () => this.#breaker.ask(() => this.#run(doing, work), tellsOfEngine)),
    )
  }

  async #run<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw wrap(error, { ...this.#names, doing }, this.#codeOf)
    }
  }
}

const staleDetail = 'the declared fields are not those of the index: searches use the old ones until rebuild() has run'

const tellsOfEngine = (error: unknown) => isAshlarError(error, 'unavailable') || isAshlarError(error, 'timeout')

function refuseOthers(operation: string, rest: object): void {
  const [other] = Object.keys(rest)
  if (other !== undefined) throw invalid(`${operation}: option '${other}' is not known; known are version, tx`)
}

function toHit<D>({ id, score, source, marks }: FoundDocument): Hit<D> {
  const document = JSON.parse(source) as Record<string, unknown>
  const highlights = Object.entries(marks).map(([field, each]) => [field, highlight(fieldText(document[field]), each)])
  return { id, score, document: document as D, highlights: Object.fromEntries(highlights) as Hit<D>['highlights'] }
}
