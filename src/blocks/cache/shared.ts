import { wrap } from '../../block.ts'
import { Breaker } from '../../breaker.ts'
import { withinMs } from '../../deadline.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, type Code } from '../../errors.ts'
import { Gather } from '../../gather.ts'
import type { CacheDriver, Write } from './driver.ts'
import { decode, type Envelope } from './envelope.ts'

export interface Found extends Envelope {
  /** Time it has left, stale time included. */
  ttlMs: number
  bytes: number
}

/** Changes may take longer than `get` waits: who makes one wants to know whether it happened. */
const changeMs = 5_000
const batch = 500
const maxWaiting = 10_000
const maxPendingBytes = 32 * 1024 * 1024
const always = () => true

/**
 * The tier that all processes share, seen from one: single calls go out as batches, each within a deadline, and a dead engine is
 * spared by a breaker. What waits here is bounded in number and bytes. @throws wrapped errors
 */
export class SharedTier {
  readonly maxBytes: number
  readonly #driver: CacheDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #of: { block: string; driver: string }
  readonly #deadlineMs: number
  readonly #breaker: Breaker
  readonly #gets: Gather<string, { value: string; ttlMs: number } | undefined>
  readonly #sets: Gather<Write, boolean>
  #pendingBytes = 0

  constructor(block: string, { driver, scheme, codeOf }: OpenedDriver<CacheDriver>, deadlineMs: number) {
    this.maxBytes = driver.capabilities.maxBytes
    this.#driver = driver
    this.#codeOf = codeOf
    this.#of = { block, driver: scheme }
    this.#deadlineMs = deadlineMs
    this.#breaker = new Breaker({ deadlineMs })
    this.#gets = new Gather((keys) => this.#breaker.ask(() => this.#getAll(keys)), { maxWaiting })
    // one batch of writes at a time: two writes of a key keep their order
    this.#sets = new Gather((writes) => this.#breaker.ask(() => this.#setAll(writes), always, changeMs), {
      maxBatch: batch,
      maxUnderWay: 1,
      maxWaiting,
    })
  }

  async fetch(key: string): Promise<Found | undefined> {
    const found = await this.#within('get', this.#deadlineMs, () => this.#gets.ask(key))
    const envelope = found && decode(found.value)
    return envelope && { ...envelope, ttlMs: found.ttlMs, bytes: found.value.length }
  }

  /** @param patient a `set` of the user: it may take longer than a `get` waits */
  async write(write: Write, bytes: number, patient: boolean): Promise<boolean> {
    if (this.#pendingBytes + bytes > maxPendingBytes)
      throw new AshlarError('exhausted', `${this.#of.block}: ${maxPendingBytes} bytes wait to be written`, this.#of)
    this.#pendingBytes += bytes
    const writing = this.#sets.ask(write).finally(() => (this.#pendingBytes -= bytes))
    return this.#within('set', patient ? changeMs : this.#deadlineMs, () => writing)
  }

  remove(keys: readonly string[]): Promise<void> {
    return this.#change('delete', async () => {
      const once = [...new Set(keys)]
      for (let i = 0; i < once.length; i += batch) await this.#driver.delete(once.slice(i, i + batch))
    })
  }

  invalidate(tags: readonly string[]): Promise<void> {
    return this.#change('invalidate', () => this.#driver.invalidate(tags))
  }

  lock(key: string, token: string, ttlMs: number, tags: readonly string[]): Promise<boolean> {
    return this.#quick('lock', () => this.#driver.lock(key, token, ttlMs, tags))
  }

  prolong(key: string, token: string, ttlMs: number): Promise<boolean> {
    return this.#quick('prolong', () => this.#driver.prolong(key, token, ttlMs))
  }

  unlock(key: string, token: string): Promise<void> {
    return this.#quick('unlock', () => this.#driver.unlock(key, token))
  }

  stats(): Promise<{ entries: number; bytes: number }> {
    return this.#change('stats', () => this.#driver.stats())
  }

  async #getAll(keys: string[]): Promise<({ value: string; ttlMs: number } | undefined)[]> {
    const once = [...new Set(keys)]
    const found = await this.#driver.get(once)
    if (once.length === keys.length) return found
    const byKey = new Map(once.map((key, index) => [key, found[index]]))
    return keys.map((key) => byKey.get(key))
  }

  /** Of several writes of a key in one batch the last stands, as if they had come one after the other. */
  async #setAll(writes: Write[]): Promise<boolean[]> {
    const last = new Map(writes.map((write) => [write.key, write]))
    const written = await this.#driver.set([...last.values()])
    const byKey = new Map([...last.keys()].map((key, index) => [key, written[index]!]))
    return writes.map(({ key }) => byKey.get(key)!)
  }

  #quick<T>(doing: string, work: () => Promise<T>): Promise<T> {
    return this.#within(doing, this.#deadlineMs, () => this.#breaker.ask(work))
  }

  #change<T>(doing: string, work: () => Promise<T>): Promise<T> {
    return this.#within(doing, changeMs, () => this.#breaker.ask(work, always, changeMs))
  }

  async #within<T>(doing: string, ms: number, work: () => Promise<T>): Promise<T> {
    try {
      return await withinMs(work(), ms)
    } catch (error) {
      throw wrap(error, { ...this.#of, doing }, this.#codeOf)
    }
  }
}
