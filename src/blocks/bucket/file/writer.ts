import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseSync } from 'node:sqlite'

interface Job {
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

type Outcome = { value: unknown } | { error: unknown }

const largestBatch = 64
const patienceMs = 5000

/**
 * Writes to the index, one transaction for all that wait: the disk is synced once for many. Another process that holds the
 * write lock is waited for without blocking this one.
 */
export class Writer {
  readonly #db: DatabaseSync
  #waiting: Job[] = []
  #draining: Promise<void> | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Runs synchronous statements in a transaction, alone among all processes. Durable when it resolves; undone when it throws. */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#draining ??= this.#drain()
    })
  }

  async idle(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0, largestBatch))
    this.#draining = undefined
  }

  async #settle(batch: Job[]): Promise<void> {
    try {
      const outcomes = await this.#patiently(batch)
      batch.forEach(({ resolve, reject }, at) => {
        const outcome = outcomes[at]!
        if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.value)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async #patiently(batch: Job[]): Promise<Outcome[]> {
    const end = performance.now() + patienceMs
    for (;;) {
      try {
        return this.#transact(batch)
      } catch (error) {
        if (!isBusy(error) || performance.now() > end) throw error
        await delay(2 + Math.random() * 20)
      }
    }
  }

  #transact(batch: Job[]): Outcome[] {
    this.#db.exec('begin immediate')
    try {
      const outcomes = batch.map(({ work }) => this.#separately(work))
      this.#db.exec('commit')
      return outcomes
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw error
    }
  }

  /** One job that is refused must not undo its neighbours. */
  #separately(work: () => unknown): Outcome {
    this.#db.exec('savepoint job')
    try {
      return { value: work() }
    } catch (error) {
      this.#db.exec('rollback to job')
      return { error }
    } finally {
      if (this.#db.isTransaction) this.#db.exec('release job')
    }
  }
}

/** Another process holds the lock (SQLITE_BUSY, SQLITE_LOCKED). */
export function isBusy(error: unknown): boolean {
  const primary = sqliteCode(error)
  return primary === 5 || primary === 6
}

/** The primary result code of an error that SQLite gave. */
export function sqliteCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number }
  return code === 'ERR_SQLITE_ERROR' && errcode !== undefined ? errcode & 0xff : undefined
}
