/**
 * A cache in this process: for tests, and for a service of one process.
 *
 * URL: `memory:` is a store of its own; `memory:NAME` is one store for all handles of that name in this process, kept until the
 * last of them closes. No options. Values up to 10 MB. At most a million entries and 256 MB, whatever the bounds: the oldest go.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { invalid, type Code } from '../../errors.ts'
import { digestOf } from './digest.ts'
import type { Bounds, CacheDriver, Write } from './driver.ts'

interface Entry {
  value: string
  bytes: number
  tags: readonly string[]
  until: number
}

interface Lock {
  token: string
  tags: readonly string[]
  until: number
}

type Changed = (digests: readonly string[] | undefined) => void

const most: Bounds = { maxEntries: 1_000_000, maxBytes: 256 * 1024 * 1024 }
const stores = new Map<string, { store: Store; users: number }>()

export async function open(context: OpenContext): Promise<CacheDriver> {
  const match = /^memory:([A-Za-z0-9_.-]*)$/.exec(context.url)
  if (!match) throw invalid(`cache: a memory URL is 'memory:' or 'memory:NAME', without options`)
  if (!match[1]) return new MemoryCache(new Store(), () => undefined)
  const key = `${match[1]} ${engineName(context)}`
  const shared = stores.get(key) ?? { store: new Store(), users: 0 }
  stores.set(key, shared)
  shared.users++
  return new MemoryCache(shared.store, () => void (--shared.users === 0 && stores.delete(key)))
}

export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

/** What all handles of a name share. */
class Store {
  readonly entries = new Map<string, Entry>()
  readonly locks = new Map<string, Lock>()
  readonly listeners = new Set<{ from: MemoryCache; changed: Changed }>()
  bytes = 0

  put(key: string, entry: Entry): void {
    this.remove(key)
    this.entries.set(key, entry)
    this.bytes += entry.bytes
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= most.maxEntries && this.bytes <= most.maxBytes) break
      this.remove(oldest)
    }
  }

  remove(key: string): boolean {
    const entry = this.entries.get(key)
    if (!entry) return false
    this.bytes -= entry.bytes
    return this.entries.delete(key)
  }

  tell(from: MemoryCache, keys: readonly string[]): void {
    if (keys.length === 0) return
    const digests = keys.map(digestOf)
    for (const listener of this.listeners) if (listener.from !== from) listener.changed(digests)
  }
}

class MemoryCache implements CacheDriver {
  readonly capabilities = { tags: true, events: true, bounds: true, maxBytes: 10 * 1024 * 1024 }
  readonly #store: Store
  #leave: (() => void) | undefined

  constructor(store: Store, leave: () => void) {
    this.#store = store
    this.#leave = leave
  }

  async get(keys: readonly string[]): Promise<({ value: string; ttlMs: number } | undefined)[]> {
    const now = performance.now()
    return keys.map((key) => {
      const entry = this.#store.entries.get(key)
      return entry && entry.until > now ? { value: entry.value, ttlMs: entry.until - now } : undefined
    })
  }

  async set(entries: readonly Write[]): Promise<boolean[]> {
    const replaced: string[] = []
    const written = entries.map(({ key, value, ttlMs, tags, token }) => {
      if (token !== undefined && !this.#holds(key, token)) return false
      this.#store.locks.delete(key)
      if (this.#store.entries.has(key)) replaced.push(key)
      this.#store.put(key, { value, bytes: Buffer.byteLength(value), tags, until: performance.now() + ttlMs })
      return true
    })
    this.#store.tell(this, replaced)
    return written
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#store.locks.delete(key)
      this.#store.remove(key)
    }
    this.#store.tell(this, keys)
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    const carries = (each: { tags: readonly string[] }) => each.tags.some((tag) => tags.includes(tag))
    for (const [key, lock] of this.#store.locks) if (carries(lock)) this.#store.locks.delete(key)
    const doomed = [...this.#store.entries].filter(([, entry]) => carries(entry)).map(([key]) => key)
    for (const key of doomed) this.#store.remove(key)
    this.#store.tell(this, doomed)
  }

  async lock(key: string, token: string, ttlMs: number, tags: readonly string[]): Promise<boolean> {
    const held = this.#store.locks.get(key)
    if (held && held.until > performance.now() && held.token !== token) return false
    this.#store.locks.set(key, { token, tags, until: performance.now() + ttlMs })
    return true
  }

  async prolong(key: string, token: string, ttlMs: number): Promise<boolean> {
    if (!this.#holds(key, token)) return false
    this.#store.locks.get(key)!.until = performance.now() + ttlMs
    return true
  }

  async unlock(key: string, token: string): Promise<void> {
    if (this.#store.locks.get(key)?.token === token) this.#store.locks.delete(key)
  }

  async onChange(changed: Changed): Promise<() => Promise<void>> {
    const listener = { from: this, changed }
    this.#store.listeners.add(listener)
    return async () => void this.#store.listeners.delete(listener)
  }

  async sweep({ maxEntries, maxBytes }: Bounds): Promise<number> {
    const { entries, locks } = this.#store
    const before = entries.size
    const now = performance.now()
    for (const [key, { until }] of locks) if (until <= now) locks.delete(key)
    for (const [key, { until }] of entries) if (until <= now) this.#store.remove(key)
    const over = () => entries.size > maxEntries || this.#store.bytes > maxBytes
    if (over()) {
      const soonest = [...entries].toSorted(([, a], [, b]) => a.until - b.until)
      for (const [key] of soonest) if (over()) this.#store.remove(key)
    }
    return before - entries.size
  }

  async stats(): Promise<{ entries: number; bytes: number }> {
    const now = performance.now()
    const live = [...this.#store.entries.values()].filter(({ until }) => until > now)
    return { entries: live.length, bytes: live.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  async close(): Promise<void> {
    for (const listener of this.#store.listeners) if (listener.from === this) this.#store.listeners.delete(listener)
    this.#leave?.()
    this.#leave = undefined
  }

  #holds(key: string, token: string): boolean {
    const lock = this.#store.locks.get(key)
    return lock !== undefined && lock.token === token && lock.until > performance.now()
  }
}
