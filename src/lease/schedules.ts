import type { Log } from '../block.ts'
import { settledWithin } from '../deadline.ts'
import { describe } from '../errors.ts'
import type { Advance, ScheduleRow } from '../postgres/schedule.ts'
import type { Transaction } from '../postgres/sql.ts'
import { dueTicks, readCron } from './cron.ts'
import { pause } from './retry.ts'

/** What becomes of ticks that nobody could send in time; see `ScheduleOptions`. */
export type Missed = 'one' | 'skip' | 'all'

/** One message that a schedule sends. */
export interface Tick {
  schedule: string
  /** JSON text. */
  body: string
  scheduledFor: Date
  /** Ticks before it that were not sent. */
  missed: number
}

/** Where schedules are kept: `PostgresSchedules`, or `MemorySchedules`. */
export interface ScheduleStore {
  now(): Promise<number>
  put(row: Omit<ScheduleRow, 'lastMs' | 'skipped'>): Promise<void>
  remove(name: string): Promise<boolean>
  list(): Promise<ScheduleRow[]>
  tick(
    fire: (due: ScheduleRow, nowMs: number, tx: Transaction | undefined) => Promise<Advance>,
    but: readonly string[],
  ): Promise<boolean>
  dueInMs(): Promise<number | undefined>
  hints(): Promise<number>
  wait(ms: number, signal: AbortSignal, since: number): Promise<void>
  close(): Promise<void>
}

export interface SchedulesSetup {
  open(): Promise<ScheduleStore>
  /** Sends in the transaction that moves the schedule on; without one where there is no database. */
  send(ticks: readonly Tick[], tx: Transaction | undefined): Promise<unknown>
  block: string
  log: Log
}

/** How late a tick may be and still count as in time. */
const graceMs = 60_000
const maxTicks = 100
/** A schedule that cannot be sent is left out so long, that the others go on. */
const setAsideMs = 60_000
const longestPollMs = 60_000
const maxPauseMs = 10_000
const closeMs = 2_000

/** Keeps schedules, and sends what is due from this process when no other one does. */
export class Schedules {
  readonly #setup: SchedulesSetup
  readonly #closing = new AbortController()
  readonly #setAside = new Map<string, number>()
  #store: Promise<ScheduleStore> | undefined
  #running: Promise<void> | undefined

  constructor(setup: SchedulesSetup) {
    this.#setup = setup
  }

  /** Opens at first use. */
  store(): Promise<ScheduleStore> {
    this.#store ??= this.#setup.open().catch((error: unknown) => {
      this.#store = undefined
      throw error
    })
    return this.#store
  }

  /** From now on, until closed. Once is enough. */
  start(): void {
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await settledWithin(Promise.resolve(this.#running), closeMs)
    const store = await this.#store?.catch(() => undefined)
    await store?.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted;) {
      try {
        const store = await this.store()
        const hints = await store.hints()
        await this.#sendDue(store)
        failures = 0
        await store.wait(await this.#restMs(store), signal, hints)
      } catch (error) {
        if (signal.aborted) return
        const { block, log } = this.#setup
        if (failures++ === 0) log.warn({ block, error: describe(error) }, 'schedules: trying again until it works')
        await pause(Math.min(maxPauseMs, 100 * 2 ** failures) * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  async #sendDue(store: ScheduleStore): Promise<void> {
    for (const [name, untilMs] of this.#setAside) if (untilMs < performance.now()) this.#setAside.delete(name)
    while (!this.#closing.signal.aborted) {
      let name = ''
      try {
        const fired = await store.tick(
          (due, nowMs, tx) => ((name = due.name), this.#fire(due, nowMs, tx)),
          [...this.#setAside.keys()],
        )
        if (!fired) return
      } catch (error) {
        if (name === '') throw error
        this.#setAside.set(name, performance.now() + setAsideMs)
        const { block, log } = this.#setup
        log.error(
          { block, schedule: name, error: describe(error) },
          'schedules: one cannot be sent; trying again later',
        )
      }
    }
  }

  async #fire(due: ScheduleRow, nowMs: number, tx: Transaction | undefined): Promise<Advance> {
    const { ticks, ...advance } = advanceOf(due, nowMs)
    if (ticks.length > 0) await this.#setup.send(ticks, tx)
    return advance
  }

  /** In pieces: a timer of Node that is set to more than 24 days fires at once, and another process may add one. */
  async #restMs(store: ScheduleStore): Promise<number> {
    const pollMs = longestPollMs * (0.8 + Math.random() * 0.2)
    const dueMs = (await store.dueInMs()) ?? Infinity
    return Math.max(this.#setAside.size > 0 ? 1_000 : 1, Math.min(pollMs, Math.ceil(dueMs)))
  }
}

/** Which messages a due schedule sends, and when it is due next. */
export function advanceOf(due: ScheduleRow, nowMs: number): Advance & { ticks: Tick[] } {
  const times = readCron(due.cron, due.timeZone)
  const { ticks, count } = dueTicks(times, due.nextMs, nowMs, due.missed === 'all' ? maxTicks : 1)
  const isTooLate = due.missed === 'skip' && ticks[0]! < nowMs - graceMs
  const sent = isTooLate ? [] : ticks
  const unsent = due.skipped + count - sent.length
  return {
    ticks: sent.map((ms, n) => {
      return { schedule: due.name, body: due.body, scheduledFor: new Date(ms), missed: n === 0 ? unsent : 0 }
    }),
    nextMs: times.next(nowMs) ?? Number.MAX_SAFE_INTEGER,
    lastMs: sent.at(-1) ?? null,
    skipped: sent.length > 0 ? 0 : unsent,
  }
}
