/**
 * Sessions in this process: for tests and for a service of one process that may lose them.
 *
 * URL: `memory:` is a store of its own; `memory:NAME` is one store for all handles of that name in this process, kept until the
 * last of them closes. No options. Not durable. Holds at most a million sessions; above that the oldest end (a full disk's counterpart).
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { invalid, type Code } from '../../errors.ts'
import type { NewSession, SessionDriver, StoredSession } from './driver.ts'

interface Kept {
  user: string | undefined
  data: string
  version: number
  createdAtMs: number
  /** By `performance.now()`, which no clock change moves. */
  expiresAt: number
  absoluteAt: number
}

interface Store {
  sessions: Map<string, Kept>
  users: number
}

const maxSessions = 1_000_000
const sweepEveryMs = 60_000
const stores = new Map<string, Store>()

export async function open(context: OpenContext): Promise<SessionDriver> {
  const match = /^memory:([A-Za-z0-9_.-]*)$/.exec(context.url)
  if (!match) throw invalid(`sessions: a memory URL is 'memory:' or 'memory:NAME', without options`)
  if (!match[1]) return new MemorySessions({ sessions: new Map(), users: 1 }, () => undefined)
  const key = `${match[1]} ${engineName(context)}`
  const store = stores.get(key) ?? { sessions: new Map(), users: 0 }
  stores.set(key, store)
  store.users++
  return new MemorySessions(store, () => void (--store.users === 0 && stores.delete(key)))
}

export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class MemorySessions implements SessionDriver {
  readonly #sessions: Map<string, Kept>
  readonly #timer: NodeJS.Timeout
  #leave: (() => void) | undefined

  constructor(store: Store, leave: () => void) {
    this.#sessions = store.sessions
    this.#leave = leave
    this.#timer = setInterval(() => this.#sweep(), sweepEveryMs)
    this.#timer.unref()
  }

  async insert({ idHash, user, data, idleMs, absoluteMs }: NewSession): Promise<void> {
    const now = performance.now()
    const ends = { expiresAt: now + Math.min(idleMs, absoluteMs), absoluteAt: now + absoluteMs }
    if (this.#sessions.size >= maxSessions) this.#makeRoom()
    this.#sessions.set(idHash, { user, data, version: 1, createdAtMs: Date.now(), ...ends })
  }

  async read(idHash: string, idleMs: number): Promise<StoredSession | undefined> {
    const kept = this.#live(idHash)
    if (!kept) return undefined
    const now = performance.now()
    if (kept.expiresAt - now <= idleMs * 0.9) kept.expiresAt = Math.min(now + idleMs, kept.absoluteAt)
    const { user, data, version, createdAtMs } = kept
    return { idHash, user, data, version, createdAtMs, expiresInMs: kept.expiresAt - now }
  }

  async update(idHash: string, expected: number, data: string): Promise<boolean> {
    const kept = this.#live(idHash)
    if (kept?.version !== expected) return false
    kept.data = data
    kept.version++
    return true
  }

  async rotate(idHash: string, toIdHash: string, user: string | undefined): Promise<boolean> {
    const kept = this.#live(idHash)
    if (!kept) return false
    this.#sessions.delete(idHash)
    this.#sessions.set(toIdHash, { ...kept, user: user ?? kept.user })
    return true
  }

  async delete(idHash: string): Promise<void> {
    this.#sessions.delete(idHash)
  }

  async deleteUser(user: string, exceptIdHash?: string): Promise<number> {
    let ended = 0
    for (const [idHash, kept] of this.#sessions) {
      if (kept.user !== user || idHash === exceptIdHash) continue
      if (kept.expiresAt > performance.now()) ended++
      this.#sessions.delete(idHash)
    }
    return ended
  }

  async stats(): Promise<{ live: number }> {
    const now = performance.now()
    let live = 0
    for (const { expiresAt } of this.#sessions.values()) if (expiresAt > now) live++
    return { live }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#leave?.()
    this.#leave = undefined
  }

  #live(idHash: string): Kept | undefined {
    const kept = this.#sessions.get(idHash)
    return kept && kept.expiresAt > performance.now() ? kept : undefined
  }

  #makeRoom(): void {
    this.#sweep()
    for (const idHash of this.#sessions.keys()) {
      if (this.#sessions.size < maxSessions) return
      this.#sessions.delete(idHash)
    }
  }

  #sweep(): void {
    const now = performance.now()
    for (const [idHash, { expiresAt }] of this.#sessions) if (expiresAt <= now) this.#sessions.delete(idHash)
  }
}
