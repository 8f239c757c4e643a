import { AshlarError } from '../errors.ts'
import { Heap } from './heap.ts'
import {
  leaseEnded,
  withFailure,
  type Failure,
  type LeaseStats,
  type ReceiveOptions,
  type Settlement,
} from './lease.ts'
import { pause } from './retry.ts'

interface Held<P> {
  seq: number
  payload: P
  key: string | undefined
  priority: number
  /** When it may be lent, by the monotonic clock: due time, end of its lease and end of its retry wait are one column. */
  atMs: number
  /** 0 when nobody holds it. */
  lease: number
  attempt: number
  history: Failure[]
  progress?: string
  /** When it came, or came again by `redrive`. */
  addedMs: number
}

/** A place in a heap; it counts only while the message still has that `atMs`. */
interface Place<P> {
  atMs: number
  held: Held<P>
}

interface Buried<P> {
  payload: P
  priority: number
  attempts: number
  error: string
  diedAt: Date
  history: Failure[]
}

interface Found<P> {
  state: 'ready' | 'delayed' | 'leased' | 'dead'
  attempt: number
  payload: P
  progress?: string
}

/** Messages and dead letters that one lane holds at most. */
export const maxHeld = 1_000_000
const longestSleepMs = 60_000

/**
 * One line of leased messages in memory: the reference for what `postgres/lease.ts` does with a table. Not durable; the
 * clock is this process's monotonic one.
 */
export class MemoryLane<P extends { id: string; key?: string }> {
  readonly #messages = new Map<number, Held<P>>()
  readonly #places = Array.from({ length: 10 }, () => new Heap<Place<P>>(isEarlier))
  /** Messages of each key, in order; only the first may be lent. */
  readonly #keys = new Map<string, Held<P>[]>()
  readonly #dead = new Map<string, Buried<P>>()
  #wakers = new Set<() => void>()
  #seq = 0
  #lease = 0
  #paused = false

  /** How many messages it can hold beside its dead letters. */
  get room(): number {
    return maxHeld - this.#dead.size
  }

  fits(more: number): boolean {
    return this.#messages.size + more <= this.room
  }

  /** @throws `exhausted` when so many more do not fit */
  checkRoom(more: number): void {
    if (!this.fits(more))
      throw new AshlarError('exhausted', `the memory driver holds ${maxHeld} messages at most; use postgres: for more`)
  }

  /** @throws `exhausted`, and then none was stored */
  add(messages: readonly { payload: P; delayMs: number; priority: number }[]): void {
    this.checkRoom(messages.length)
    for (const { payload, delayMs, priority } of messages) this.#insert(payload, delayMs, priority)
    this.#wake()
  }

  async receive({ max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<(P & { attempt: number; token: string })[]> {
    const endMs = performance.now() + waitMs
    for (;;) {
      const lent = signal.aborted || this.#paused ? [] : this.#claim(max, leaseMs)
      const leftMs = endMs - performance.now()
      if (lent.length > 0 || leftMs <= 0 || signal.aborted) return lent
      await this.#hint(Math.min(leftMs, this.#nextDueMs()), signal)
    }
  }

  settle(settlements: readonly Settlement[]): boolean[] {
    const held = settlements.map((each) => this.#settleOne(each))
    this.#wake()
    return held
  }

  extend(tokens: readonly string[], leaseMs: number): boolean[] {
    return tokens.map((token) => {
      const held = this.#find(token)
      if (held) this.#place(held, leaseMs)
      return held !== undefined
    })
  }

  dead(limit: number): (Buried<P> & { id: string })[] {
    return [...this.#dead].slice(0, limit).map(([id, buried]) => ({ ...buried, id }))
  }

  redrive(ids: readonly string[] | 'all'): number {
    const chosen = (ids === 'all' ? [...this.#dead.keys()] : [...new Set(ids)]).filter((id) => this.#dead.has(id))
    for (const id of chosen) {
      const { payload, priority } = this.#dead.get(id)!
      this.#dead.delete(id)
      this.#insert(payload, 0, priority)
    }
    this.#wake()
    return chosen.length
  }

  /** Drops what is older than `ms`, and the oldest beyond so many `messages`; what is leased stays. Answers how many. */
  trim({ ms, messages }: { ms: number; messages: number }): number {
    const now = performance.now()
    const held = this.#messages.size
    let excess = held - messages
    for (const each of this.#messages.values()) {
      if (excess-- <= 0 && each.addedMs + ms > now) break
      if (each.lease === 0 || each.atMs <= now) this.#remove(each, undefined)
    }
    this.#wake()
    return held - this.#messages.size
  }

  get paused(): boolean {
    return this.#paused
  }

  set paused(paused: boolean) {
    this.#paused = paused
    this.#wake()
  }

  /** Looks through all: what is handled in order should not pay for an index. */
  find(id: string): Found<P> | undefined {
    const buried = this.#dead.get(id)
    if (buried) return { state: 'dead', attempt: buried.attempts, payload: buried.payload }
    for (const { payload, lease, atMs, attempt, progress } of this.#messages.values()) {
      if (payload.id !== id) continue
      const state = atMs <= performance.now() ? 'ready' : lease > 0 ? 'leased' : 'delayed'
      return { state, attempt, payload, ...(progress === undefined ? {} : { progress }) }
    }
    return undefined
  }

  cancel(ids: readonly string[]): number {
    const wanted = new Set(ids)
    const found = [...this.#messages.values()].filter(({ payload }) => wanted.has(payload.id))
    for (const held of found) this.#remove(held, undefined)
    this.#wake()
    return found.length
  }

  progress(token: string, value: string): boolean {
    const held = this.#find(token)
    if (held) held.progress = value
    return held !== undefined
  }

  stats(): LeaseStats {
    const now = performance.now()
    const stats: LeaseStats = { ready: 0, delayed: 0, leased: 0, dead: this.#dead.size, oldestAgeMs: 0 }
    for (const { atMs, lease } of this.#messages.values()) {
      if (atMs > now) stats[lease > 0 ? 'leased' : 'delayed']++
      else {
        stats.ready++
        stats.oldestAgeMs = Math.max(stats.oldestAgeMs, now - atMs)
      }
    }
    return stats
  }

  #insert(payload: P, delayMs: number, priority: number): void {
    const { key } = payload
    const held: Held<P> = {
      seq: ++this.#seq,
      payload,
      key,
      priority,
      atMs: 0,
      lease: 0,
      attempt: 0,
      history: [],
      addedMs: performance.now(),
    }
    this.#messages.set(held.seq, held)
    if (key === undefined) return this.#place(held, delayMs)
    const line = this.#keys.get(key)
    if (line) line.push(held)
    else this.#keys.set(key, [held])
    this.#place(held, delayMs)
  }

  #place(held: Held<P>, inMs: number): void {
    held.atMs = performance.now() + inMs
    if (this.#isFirst(held)) this.#places[held.priority]!.add({ atMs: held.atMs, held })
  }

  #isFirst({ key, seq }: Held<P>): boolean {
    return key === undefined || this.#keys.get(key)![0]!.seq === seq
  }

  #claim(max: number, leaseMs: number): (P & { attempt: number; token: string })[] {
    const lent: (P & { attempt: number; token: string })[] = []
    for (const places of this.#places.toReversed()) {
      let held: Held<P> | undefined
      while (lent.length < max && (held = this.#takeDue(places))) {
        if (held.lease > 0) addFailure(held, leaseEnded, held.atMs)
        held.lease = ++this.#lease
        held.attempt++
        this.#place(held, leaseMs)
        lent.push({ ...held.payload, attempt: held.attempt, token: tokenOf(held) })
      }
    }
    return lent
  }

  #takeDue(places: Heap<Place<P>>): Held<P> | undefined {
    const place = this.#firstPlace(places)
    return place && place.atMs <= performance.now() ? places.take()!.held : undefined
  }

  /** Places that no longer count are dropped on the way. */
  #firstPlace(places: Heap<Place<P>>): Place<P> | undefined {
    for (let place = places.peek(); place; place = places.peek()) {
      if (this.#messages.has(place.held.seq) && place.held.atMs === place.atMs) return place
      places.take()
    }
    return undefined
  }

  #nextDueMs(): number {
    if (this.#paused) return longestSleepMs
    const due = this.#places.map((places) => this.#firstPlace(places)?.atMs ?? Infinity)
    return Math.max(1, Math.min(longestSleepMs, Math.min(...due) - performance.now()))
  }

  #settleOne(settlement: Settlement): boolean {
    const held = this.#find(settlement.token)
    if (!held) return false
    held.lease = 0
    if ('error' in settlement) addFailure(held, settlement.error)
    if (settlement.outcome === 'retry') this.#place(held, settlement.delayMs)
    else if (settlement.outcome === 'release') {
      held.attempt--
      this.#place(held, 0)
    } else this.#remove(held, settlement.outcome === 'dead' ? settlement.error : undefined)
    return true
  }

  #remove(held: Held<P>, error: string | undefined): void {
    this.#messages.delete(held.seq)
    const { key, payload, priority, attempt, history } = held
    if (error !== undefined)
      this.#dead.set(payload.id, { payload, priority, attempts: attempt, error, diedAt: new Date(), history })
    if (key === undefined) return
    const line = this.#keys.get(key)!
    const place = line.indexOf(held)
    line.splice(place, 1)
    const next = line[0]
    if (place > 0) return
    if (next) this.#places[next.priority]!.add({ atMs: next.atMs, held: next })
    else this.#keys.delete(key)
  }

  #find(token: string): Held<P> | undefined {
    const [lease, seq] = token.split('.').map(Number)
    const held = this.#messages.get(seq ?? 0)
    return held && held.lease > 0 && held.lease === lease ? held : undefined
  }

  #wake(): void {
    const wakers = this.#wakers
    this.#wakers = new Set()
    for (const wake of wakers) wake()
  }

  async #hint(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.#wakers.add(wake)
    await pause(ms, AbortSignal.any([woken.signal, signal]))
    this.#wakers.delete(wake)
  }
}

function addFailure<P>(held: Held<P>, error: string, atMs = performance.now()): void {
  const at = new Date(performance.timeOrigin + atMs)
  held.history = withFailure(held.history, { attempt: held.attempt, at, error })
}

function isEarlier<P>(a: Place<P>, b: Place<P>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.held.seq < b.held.seq)
}

function tokenOf({ lease, seq }: { lease: number; seq: number }): string {
  return `${String(lease).padStart(16, '0')}.${seq}`
}
