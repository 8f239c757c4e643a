import { digestOf } from './digest.ts'
import { TinyLfu } from './lfu.ts'
import { Lru, type Policy } from './policy.ts'

/** An entry in this process. Times are those of `performance.now()`. */
export interface NearEntry {
  value: unknown
  loadMs: number
  /** Stale from here on. */
  freshUntil: number
  until: number
  bytes: number
}

/** The right to put what is being fetched now: lost when the key changes meanwhile. */
export interface Ticket {
  readonly key: string
  readonly digest: string
  valid: boolean
  users: number
}

const maxBytes = 64 * 1024 * 1024

/**
 * The tier in this process. An answer of the shared tier that crosses with the news that the key has changed is not kept: who fetches
 * takes a ticket first, and news of a change make it void. At most so many entries, and 64 MiB of JSON.
 */
export class NearTier {
  readonly #entries: Policy<NearEntry>
  /** By digest. */
  readonly #kept = new Map<string, { key: string; bytes: number }>()
  readonly #tickets = new Map<string, Ticket>()
  #bytes = 0

  constructor(capacity: number, policy: 'lru' | 'lfu') {
    const onDrop = (key: string, entry: NearEntry) => this.#forget(key, entry)
    this.#entries = policy === 'lfu' ? new TinyLfu(capacity, onDrop) : new Lru(capacity, onDrop)
  }

  get size(): number {
    return this.#entries.size
  }

  /** One whose time is over keeps its place: it is about to be fetched again, and its rank is worth keeping. */
  get(key: string): NearEntry | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > performance.now() ? entry : undefined
  }

  /** Before a fetch. Each needs its `end`. */
  begin(key: string): Ticket {
    const digest = digestOf(key)
    let ticket = this.#tickets.get(digest)
    if (!ticket) this.#tickets.set(digest, (ticket = { key, digest, valid: true, users: 0 }))
    ticket.users++
    return ticket
  }

  end(ticket: Ticket): void {
    if (--ticket.users === 0 && this.#tickets.get(ticket.digest) === ticket) this.#tickets.delete(ticket.digest)
  }

  put(ticket: Ticket, entry: NearEntry): void {
    if (!ticket.valid || entry.bytes > maxBytes / 16) return
    const { key, digest } = ticket
    const before = this.#kept.get(digest)
    if (before && before.key !== key) this.#drop(before.key)
    else this.#bytes -= before?.bytes ?? 0
    this.#kept.set(digest, { key, bytes: entry.bytes })
    this.#bytes += entry.bytes
    this.#entries.set(key, entry)
    while (this.#bytes > maxBytes && this.#entries.evict());
  }

  /** News from elsewhere, or of this process's own change; `undefined`: of anything. */
  changed(digests: readonly string[] | undefined): void {
    if (!digests) return this.#clear()
    for (const digest of digests) {
      this.#void(digest)
      const kept = this.#kept.get(digest)
      if (kept) this.#drop(kept.key)
    }
  }

  #clear(): void {
    for (const digest of this.#tickets.keys()) this.#void(digest)
    this.#entries.clear()
    this.#kept.clear()
    this.#bytes = 0
  }

  #void(digest: string): void {
    const ticket = this.#tickets.get(digest)
    if (!ticket) return
    ticket.valid = false
    this.#tickets.delete(digest)
  }

  #drop(key: string): void {
    const entry = this.#entries.delete(key)
    if (entry) this.#forget(key, entry)
  }

  #forget(key: string, { bytes }: NearEntry): void {
    this.#bytes -= bytes
    const digest = digestOf(key)
    if (this.#kept.get(digest)?.key === key) this.#kept.delete(digest)
  }
}
