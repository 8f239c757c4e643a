import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode, encode } from './envelope.ts'
import type { Found, SharedTier } from './shared.ts'

export type Load = () => unknown

/** How one key is to be kept. */
export interface Keeping {
  ttlMs: number
  staleMs: number
  negativeMs: number
  tags: readonly string[]
}

export interface Loaded {
  value: unknown
  /** Another process loaded it: a hit, as far as this one is concerned. */
  found: boolean
  loadMs: number
}

/** What loading needs of the cache around it. */
export interface LoadingEvents {
  /** Reads the shared tier, and fills the near one; throws when the engine is away. */
  fetch(key: string): Promise<Found | undefined>
  /** Takes a ticket for the near tier; the function that comes back keeps what was stored, if nothing changed meanwhile. */
  watch(key: string): { keep(found: Found): void; end(): void }
  loaded(ms: number): void
  /** Too large for the engine. */
  oversize(key: string, bytes: number): void
  /** The engine failed to lock or to store. */
  away(error: unknown): void
}

/** A lock ends so long after its process died. */
const lockMs = 2_000
/** A loader may take so long before another process takes over. */
const maxLoadMs = 10_000
const firstPauseMs = 5
const maxPauseMs = 50
const maxTtlMs = 400 * 86_400_000

/** Runs loaders: one at a time per key in the fleet, and keeps what they give. */
export class Loading {
  readonly #shared: SharedTier
  readonly #events: LoadingEvents

  constructor(shared: SharedTier, events: LoadingEvents) {
    this.#shared = shared
    this.#events = events
  }

  /** Loads, or waits for who does. With the engine away it loads alone and keeps nothing. */
  async once(key: string, load: Load, keeping: Keeping): Promise<Loaded> {
    const token = randomUUID()
    const giveUpAt = performance.now() + maxLoadMs
    for (let pause = firstPauseMs; performance.now() < giveUpAt; pause = Math.min(maxPauseMs, pause * 1.5)) {
      const found = await this.#lockOrFind(key, token, keeping)
      if (found === 'locked') return this.#locked(key, token, load, keeping)
      if (found === 'away') break
      if (found) return { value: found.value, found: true, loadMs: found.loadMs }
      await sleep(pause * (0.5 + Math.random()))
    }
    return this.alone(load)
  }

  /** Loads again what is stale, unless somebody does or just did. @throws only what the loader throws */
  async again(key: string, load: Load, keeping: Keeping): Promise<void> {
    const token = randomUUID()
    if (await this.#lockStale(key, token, keeping)) await this.#locked(key, token, load, keeping)
  }

  async alone(load: Load): Promise<Loaded> {
    const started = performance.now()
    const loaded = await load()
    const loadMs = performance.now() - started
    this.#events.loaded(loadMs)
    return { value: decode(encode(loaded, 0, 0))!.value, found: false, loadMs }
  }

  /** After taking the lock it looks once more: whoever had it may just have stored the value. */
  async #lockOrFind(key: string, token: string, { tags }: Keeping): Promise<Found | 'locked' | 'away' | undefined> {
    try {
      const locked = await this.#shared.lock(key, token, lockMs, tags)
      const found = await this.#events.fetch(key)
      if (locked && found) await this.#shared.unlock(key, token)
      return found ?? (locked ? 'locked' : undefined)
    } catch (error) {
      this.#events.away(error)
      return 'away'
    }
  }

  async #lockStale(key: string, token: string, { tags }: Keeping): Promise<boolean> {
    try {
      if (!(await this.#shared.lock(key, token, lockMs, tags))) return false
      const found = await this.#events.fetch(key)
      const stale = !found || found.ttlMs <= found.staleMs
      if (!stale) await this.#shared.unlock(key, token)
      return stale
    } catch (error) {
      this.#events.away(error)
      return false
    }
  }

  async #locked(key: string, token: string, load: Load, keeping: Keeping): Promise<Loaded> {
    const watch = this.#events.watch(key)
    const stopRenewing = this.#renew(key, token)
    try {
      const started = performance.now()
      const loaded = await load()
      const loadMs = performance.now() - started
      this.#events.loaded(loadMs)
      return await this.#keep(key, token, loaded, loadMs, keeping, watch)
    } catch (error) {
      await this.#free(key, token)
      throw error
    } finally {
      stopRenewing()
      watch.end()
    }
  }

  async #keep(
    key: string,
    token: string,
    loaded: unknown,
    loadMs: number,
    { ttlMs, staleMs, negativeMs, tags }: Keeping,
    watch: ReturnType<LoadingEvents['watch']>,
  ): Promise<Loaded> {
    const stale = loaded === undefined ? 0 : staleMs
    const text = encode(loaded, loadMs, stale)
    const answer = { value: decode(text)!.value, found: false, loadMs }
    const bytes = Buffer.byteLength(text)
    const keepMs = loaded === undefined ? negativeMs : ttlMs
    if (bytes > this.#shared.maxBytes) this.#events.oversize(key, bytes)
    if (keepMs === 0 || bytes > this.#shared.maxBytes) {
      await this.#forget(key, token, staleMs > 0)
      return answer
    }
    try {
      const write = { key, value: text, ttlMs: totalMs(keepMs, stale), tags, token }
      if (await this.#shared.write(write, bytes, false))
        watch.keep({ ...answer, staleMs: stale, ttlMs: write.ttlMs, bytes })
    } catch (error) {
      this.#events.away(error)
    }
    return answer
  }

  /** Nothing is kept of this load; nor, if there may be one, of the stale value that it was to replace. */
  async #forget(key: string, token: string, stale: boolean): Promise<void> {
    if (stale) await this.#shared.remove([key]).catch((error: unknown) => this.#events.away(error))
    await this.#free(key, token)
  }

  async #free(key: string, token: string): Promise<void> {
    await this.#shared.unlock(key, token).catch((error: unknown) => this.#events.away(error))
  }

  #renew(key: string, token: string): () => void {
    const end = performance.now() + maxLoadMs
    const timer = setInterval(() => {
      if (performance.now() > end) clearInterval(timer)
      else void this.#shared.prolong(key, token, lockMs).catch(() => undefined)
    }, lockMs / 3)
    return () => clearInterval(timer)
  }
}

/** The time in the engine: spread by up to 10 %, so that what was stored together does not end together; then the stale time. */
export function totalMs(ttlMs: number, staleMs: number): number {
  return Math.min(maxTtlMs, Math.max(1, ttlMs * (1 - Math.random() * 0.1)) + staleMs)
}
