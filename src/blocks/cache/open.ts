import { wrap, type Health, type Log, type Stats } from '../../block.ts'
import { withinMs } from '../../deadline.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe, invalid, isAshlarError } from '../../errors.ts'
import { gauge, observed } from '../../telemetry.ts'
import type { Cache, SetOptions } from './cache.ts'
import { digestOf } from './digest.ts'
import type { CacheDriver } from './driver.ts'
import { encode } from './envelope.ts'
import { Loading, totalMs, type Keeping, type Load, type Loaded } from './loading.ts'
import { NearTier, type NearEntry } from './near.ts'
import { Notes } from './notes.ts'
import { checkKey, checkTags, ttlOf, type CacheSettings } from './settings.ts'
import { SharedTier, type Found } from './shared.ts'
import { Tally } from './tally.ts'

const sweepEveryMs = 30_000
const healthMs = 1_500
/** A loader that hangs is not joined for ever. */
const maxJoinMs = 10_000
const maxRenewals = 256

interface Flight {
  started: number
  outcome: Promise<Loaded>
}

interface Parts extends OpenedDriver<CacheDriver> {
  name: string
  settings: CacheSettings
  log: Log
}

/** The portable type: near tier, single flight, stale while revalidate, errors, telemetry. */
export class OpenCache<T> implements Cache<T> {
  readonly kind = 'cache'
  readonly name: string
  readonly driver: string
  readonly #driver: CacheDriver
  readonly #settings: CacheSettings
  readonly #notes: Notes
  readonly #shared: SharedTier
  readonly #near: NearTier | undefined
  readonly #loading: Loading
  readonly #tally: Tally
  readonly #flights = new Map<string, Flight>()
  readonly #renewals = new Map<string, Promise<void>>()
  readonly #timer: NodeJS.Timeout
  readonly #dropGauge: () => void
  #unlisten: (() => Promise<void>) | undefined
  #closing: Promise<void> | undefined

  /** @throws what `onChange` of the driver throws, wrapped; the driver is closed then */
  static async open<T>(parts: Parts): Promise<OpenCache<T>> {
    const { name, driver, scheme } = parts
    const cache = new OpenCache<T>(parts)
    try {
      if (cache.#near && driver.capabilities.events)
        cache.#unlisten = await driver.onChange((digests) => cache.#near?.changed(digests))
      return cache
    } catch (error) {
      await cache.close()
      throw wrap(error, { block: name, driver: scheme, doing: 'open' }, (raw) => parts.codeOf(raw))
    }
  }

  private constructor({ name, settings, log, ...opened }: Parts) {
    this.name = name
    this.driver = opened.scheme
    this.#driver = opened.driver
    this.#settings = settings
    this.#notes = new Notes(log, this.#of())
    this.#tally = new Tally(this.#of())
    this.#shared = new SharedTier(name, opened, settings.deadlineMs)
    this.#near = settings.near > 0 ? new NearTier(settings.near, settings.policy) : undefined
    this.#loading = new Loading(this.#shared, {
      fetch: (key) => this.#fetch(key),
      watch: (key) => this.#watch(key),
      loaded: (ms) => this.#tally.loaded(ms),
      oversize: (key, bytes) => this.#notes.oversize(key, bytes),
      away: (error) => this.#notes.away(error),
    })
    this.#timer = setInterval(() => void this.#sweep(), sweepEveryMs * (0.75 + Math.random() / 2))
    this.#timer.unref()
    this.#dropGauge = gauge('ashlar_cache_hit_rate', 'Hits of all gets since the cache opened', this.#of(), () => {
      this.#tally.tell()
      return this.#tally.hitRate
    })
  }

  async get(key: string, load?: Load, options: SetOptions = {}): Promise<T | undefined> {
    checkKey(key)
    const keeping = this.#keeping(options)
    if (this.#closing) throw this.#closed()
    const near = this.#near?.get(key)
    if (!near) return this.#observe('get', () => this.#getShared(key, load, keeping))
    this.#tally.add('near', near.loadMs)
    if (load && near.freshUntil <= performance.now()) this.#renew(key, load, keeping)
    return near.value as T | undefined
  }

  async set(key: string, value: T, options: SetOptions = {}): Promise<void> {
    checkKey(key)
    const { ttlMs, staleMs, tags } = this.#keeping(options)
    if (value === undefined) throw invalid(`${this.name}: undefined is no value; use delete('…') to remove a key`)
    const text = encode(value, this.#tally.loadMs, staleMs)
    const bytes = Buffer.byteLength(text)
    await this.#change('set', [key], async () => {
      if (bytes > this.#shared.maxBytes) await this.#refuse(key, bytes)
      const write = { key, value: text, ttlMs: totalMs(ttlMs, staleMs), tags }
      await this.#shared.write(write, bytes, true).catch(async (error: unknown) => {
        // the old value must not outlive a change that failed; after a timeout the write may still come, so that is all one can do
        if (!isAshlarError(error, 'timeout')) await this.#shared.remove([key]).catch(() => undefined)
        throw error
      })
    })
  }

  async delete(key: string | readonly string[]): Promise<void> {
    const keys = typeof key === 'string' ? [key] : key
    keys.forEach(checkKey)
    await this.#change('delete', keys, () => this.#shared.remove(keys))
  }

  async invalidate(tags: string | readonly string[]): Promise<void> {
    const all = checkTags(typeof tags === 'string' ? [tags] : tags)
    if (!this.#driver.capabilities.tags)
      throw new AshlarError('unsupported', `${this.name}: ${this.driver} knows no tags; delete the keys`, this.#of())
    if (all.length > 0) await this.#change('invalidate', undefined, () => this.#shared.invalidate(all))
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, detail: 'closed' }
    try {
      await withinMs(this.#driver.get(['\0health']), healthMs)
      return { ok: true }
    } catch (error) {
      return { ok: false, detail: `${describe(error)}; every get is a miss` }
    }
  }

  /**
   * `hits misses hitRate savedMs stale degraded nearEntries` of this process since it opened; `entries bytes` of the shared tier.
   * `savedMs` is the time that the loaders of what was hit had taken.
   */
  async stats(): Promise<Stats> {
    if (this.#closing) throw this.#closed()
    const { hits, misses, hitRate, savedMs, stale } = this.#tally
    const { degraded } = this.#notes
    const { entries, bytes } = await this.#observe('stats', () => this.#shared.stats())
    return { hits, misses, hitRate, entries, bytes, savedMs, stale, degraded, nearEntries: this.#near?.size ?? 0 }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shut(): Promise<void> {
    clearInterval(this.#timer)
    this.#tally.tell()
    this.#dropGauge()
    await this.#unlisten?.().catch(() => undefined)
    await this.#driver.close()
  }

  async #refuse(key: string, bytes: number): Promise<never> {
    await this.#shared.remove([key])
    const most = `${this.driver} keeps at most ${this.#shared.maxBytes} bytes a value`
    throw invalid(`${this.name}: the value is ${bytes} bytes long and ${most}; the old one was removed`, this.#of())
  }

  /** One flight a key: who comes while it is in the air gets its outcome. */
  async #getShared(key: string, load: Load | undefined, keeping: Keeping): Promise<T | undefined> {
    if (!load) return this.#answer(await this.#find(key), 'shared') as T | undefined
    const known = this.#flights.get(key)
    if (known && performance.now() - known.started < maxJoinMs)
      return this.#answer(await known.outcome, 'joined') as T | undefined
    const flight = { started: performance.now(), outcome: this.#fly(key, load, keeping) }
    this.#flights.set(key, flight)
    try {
      return this.#answer(await flight.outcome, 'shared') as T | undefined
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
  }

  /** Counts a get, and gives its value. Who joined a flight caused no load either way. */
  #answer({ value, found, loadMs }: Loaded, hit: 'shared' | 'joined'): unknown {
    if (found || hit === 'joined') this.#tally.add(hit, loadMs)
    else this.#tally.add('miss', 0)
    return value
  }

  async #find(key: string): Promise<Loaded> {
    const found = await this.#fetchOrMiss(key)
    return found && found !== 'away'
      ? { value: found.value, found: true, loadMs: found.loadMs }
      : { value: undefined, found: false, loadMs: 0 }
  }

  async #fly(key: string, load: Load, keeping: Keeping): Promise<Loaded> {
    const found = await this.#fetchOrMiss(key)
    if (found === 'away') return this.#loading.alone(load)
    if (!found) return this.#loading.once(key, load, keeping)
    if (found.ttlMs <= found.staleMs) this.#renew(key, load, keeping)
    return { value: found.value, found: true, loadMs: found.loadMs }
  }

  async #fetchOrMiss(key: string): Promise<Found | 'away' | undefined> {
    try {
      const found = await this.#fetch(key)
      this.#notes.back()
      return found
    } catch (error) {
      this.#notes.away(error)
      return 'away'
    }
  }

  async #fetch(key: string): Promise<Found | undefined> {
    const watch = this.#watch(key)
    try {
      const found = await this.#shared.fetch(key)
      if (found) watch.keep(found)
      return found
    } finally {
      watch.end()
    }
  }

  /** Serves on what is stale while one caller of the fleet loads it again. */
  #renew(key: string, load: Load, keeping: Keeping): void {
    this.#tally.stale++
    if (this.#renewals.has(key) || this.#renewals.size >= maxRenewals) return
    const renewal = this.#loading
      .again(key, load, keeping)
      .catch((error: unknown) => this.#notes.renewalFailed(key, error))
      .finally(() => this.#renewals.delete(key))
    this.#renewals.set(key, renewal)
  }

  #watch(key: string): { keep(found: Found): void; end(): void } {
    const near = this.#near
    if (!near) return { keep: () => undefined, end: () => undefined }
    const ticket = near.begin(key)
    return {
      keep: (found) => near.put(ticket, this.#nearEntry(found)),
      end: () => near.end(ticket),
    }
  }

  #nearEntry({ value, loadMs, staleMs, ttlMs, bytes }: Found): NearEntry {
    const now = performance.now()
    const until = now + Math.min(ttlMs, this.#settings.nearTtlMs)
    return { value, loadMs, freshUntil: now + ttlMs - staleMs, until, bytes }
  }

  /** What was being fetched or loaded before a change is neither kept near nor joined after it; `undefined` keys: any. */
  #forget(keys: readonly string[] | undefined): void {
    this.#near?.changed(keys?.map(digestOf))
    if (keys) for (const key of keys) this.#flights.delete(key)
    else this.#flights.clear()
  }

  async #change(operation: string, keys: readonly string[] | undefined, work: () => Promise<void>): Promise<void> {
    if (this.#closing) throw this.#closed()
    this.#forget(keys)
    await this.#observe(operation, work).finally(() => this.#forget(keys))
  }

  #keeping(options: SetOptions): Keeping {
    const { staleMs, negativeMs } = this.#settings
    return { ttlMs: ttlOf(options, this.#settings), staleMs, negativeMs, tags: this.#tags(options) }
  }

  #tags({ tags }: SetOptions): readonly string[] {
    if (!tags || tags.length === 0) return []
    if (!this.#driver.capabilities.tags)
      throw new AshlarError(
        'unsupported',
        `${this.name}: ${this.driver} knows no tags; leave the option out`,
        this.#of(),
      )
    return checkTags(tags)
  }

  async #sweep(): Promise<void> {
    await this.#driver.sweep(this.#settings.bounds).catch((error: unknown) => this.#notes.sweepFailed(error))
  }

  #observe<R>(operation: string, work: () => Promise<R>): Promise<R> {
    return observed({ kind: this.kind, block: this.name, driver: this.driver, operation }, work)
  }

  #closed(): AshlarError {
    return new AshlarError('closed', `${this.name}: the cache is closed`, this.#of())
  }

  #of() {
    return { block: this.name, driver: this.driver }
  }
}
