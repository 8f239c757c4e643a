import type { Advance, ScheduleRow } from '../postgres/schedule.ts'
import { pause } from './retry.ts'

/** The schedules of one target in this process, for a queue that is nowhere else: as `postgres/schedule.ts`. */
export class MemorySchedules {
  readonly #rows = new Map<string, ScheduleRow>()
  readonly #now: () => number
  #changed = new AbortController()
  #hints = 0

  constructor(now = Date.now) {
    this.#now = now
  }

  async now(): Promise<number> {
    return this.#now()
  }

  async put(row: Omit<ScheduleRow, 'lastMs' | 'skipped'>): Promise<void> {
    const old = this.#rows.get(row.name)
    const isSame = old && old.cron === row.cron && old.timeZone === row.timeZone
    this.#rows.set(row.name, { lastMs: null, skipped: 0, ...old, ...row, nextMs: isSame ? old.nextMs : row.nextMs })
    this.#hints++
    this.#changed.abort()
    this.#changed = new AbortController()
  }

  async remove(name: string): Promise<boolean> {
    return this.#rows.delete(name)
  }

  async list(): Promise<ScheduleRow[]> {
    return [...this.#rows.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** It moves on first: while this one is sent another handle of this process may look. */
  async tick(
    fire: (due: ScheduleRow, nowMs: number, tx: undefined) => Promise<Advance>,
    but: readonly string[],
  ): Promise<boolean> {
    const now = this.#now()
    const due = [...this.#rows.values()].find(({ name, nextMs }) => nextMs <= now && !but.includes(name))
    if (!due) return false
    const was = { ...due }
    due.nextMs = Infinity
    try {
      const { nextMs, lastMs, skipped } = await fire(was, now, undefined)
      Object.assign(due, { nextMs, skipped, lastMs: lastMs ?? due.lastMs })
      return true
    } catch (error) {
      due.nextMs = was.nextMs
      throw error
    }
  }

  async dueInMs(): Promise<number | undefined> {
    const next = Math.min(...[...this.#rows.values()].map(({ nextMs }) => nextMs))
    return next === Infinity ? undefined : next - this.#now()
  }

  async hints(): Promise<number> {
    return this.#hints
  }

  async wait(ms: number, signal: AbortSignal, since: number): Promise<void> {
    if (this.#hints === since) await pause(ms, AbortSignal.any([signal, this.#changed.signal]))
  }

  async close(): Promise<void> {}
}
