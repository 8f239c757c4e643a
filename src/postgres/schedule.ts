import { limited } from './limits.ts'
import { migrate } from './migrate.ts'
import { openSql } from './open.ts'
import type { Queryable, Sql, Transaction } from './sql.ts'
import { Wake, channelOf } from './wake.ts'

/** A row of `ashlar.schedules`; times in milliseconds since 1970. */
export interface ScheduleRow {
  name: string
  cron: string
  timeZone: string
  /** What becomes of ticks that nobody sent in time. */
  missed: string
  /** JSON text. */
  body: string
  nextMs: number
  lastMs: number | null
  /** Ticks that were dropped since the last one that was sent. */
  skipped: number
}

/** What became of a due schedule. */
export interface Advance {
  nextMs: number
  /** The newest tick that was sent; `null`: none was. */
  lastMs: number | null
  skipped: number
}

const statementMs = 30_000
const columns = `name, cron, time_zone as "timeZone", missed, body, skipped,
  floor(extract(epoch from next_at) * 1000)::bigint as "nextMs", floor(extract(epoch from last_at) * 1000)::bigint as "lastMs"`
const nowMs = `floor(extract(epoch from clock_timestamp()) * 1000)::bigint`

/** The schedules of one target, in a database. Its clock decides what is due. */
export class PostgresSchedules {
  readonly #sql: Sql
  readonly #db: Queryable
  readonly #target: string
  readonly #wake: Wake

  private constructor(sql: Sql, target: string) {
    this.#sql = sql
    this.#db = limited(sql, statementMs)
    this.#target = target
    this.#wake = new Wake(sql, channelOf('schedule', target))
  }

  static async open(url: string, target: string): Promise<PostgresSchedules> {
    const sql = openSql(url)
    try {
      await migrate(sql, 'schedule', new URL('./sql/schedule/', import.meta.url))
      return new PostgresSchedules(sql, target)
    } catch (error) {
      await sql.close()
      throw error
    }
  }

  async now(): Promise<number> {
    const { rows } = await this.#db.query<{ now: number }>(`select ${nowMs} as now`)
    return rows[0]!.now
  }

  /** One that is there keeps its next tick while its times stay the same. */
  async put({ name, cron, timeZone, missed, body, nextMs }: Omit<ScheduleRow, 'lastMs' | 'skipped'>): Promise<void> {
    await this.#db.query(
      `insert into ashlar.schedules as s (target, name, cron, time_zone, missed, body, next_at)
       values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000))
       on conflict (target, name) do update set
         cron = excluded.cron, time_zone = excluded.time_zone, missed = excluded.missed, body = excluded.body,
         next_at = case when (s.cron, s.time_zone) = (excluded.cron, excluded.time_zone) then s.next_at else excluded.next_at end
       where (s.cron, s.time_zone, s.missed, s.body)
         is distinct from (excluded.cron, excluded.time_zone, excluded.missed, excluded.body)`,
      [this.#target, name, cron, timeZone, missed, body, nextMs],
    )
    this.#wake.notify()
  }

  async remove(name: string): Promise<boolean> {
    const text = 'delete from ashlar.schedules where target = $1 and name = $2'
    return (await this.#db.query(text, [this.#target, name])).rowCount > 0
  }

  async list(): Promise<ScheduleRow[]> {
    const text = `select ${columns} from ashlar.schedules where target = $1 order by name limit 10000`
    return (await this.#db.query<ScheduleRow>(text, [this.#target])).rows
  }

  /**
   * Hands one due schedule to `fire`, in one transaction with what that sends, and moves it on: of all processes one does.
   * @param but names to leave out
   * @returns false when none is due
   */
  async tick(
    fire: (due: ScheduleRow, nowMs: number, tx: Transaction) => Promise<Advance>,
    but: readonly string[],
  ): Promise<boolean> {
    return this.#sql.transaction(async (tx) => {
      const { rows } = await tx.sql.query<ScheduleRow & { now: number; was: string }>(
        `select ${columns}, next_at::text as was, ${nowMs} as now from ashlar.schedules
         where target = $1 and next_at <= clock_timestamp() and name <> all ($2::text[])
         order by next_at limit 1 for update skip locked`,
        [this.#target, but],
      )
      const [due] = rows
      if (!due) return false
      await this.#advance(tx, due, await fire(due, due.now, tx))
      return true
    })
  }

  async #advance(tx: Transaction, { name, was }: { name: string; was: string }, to: Advance): Promise<void> {
    const { rowCount } = await tx.sql.query(
      `update ashlar.schedules set next_at = to_timestamp($4::float8 / 1000), skipped = $6,
         last_at = coalesce(to_timestamp($5::float8 / 1000), last_at)
       where target = $1 and name = $2 and next_at = $3::timestamptz`,
      [this.#target, name, was, to.nextMs, to.lastMs, to.skipped],
    )
    if (rowCount !== 1) throw new Error(`schedule '${name}' was moved on by somebody else; nothing was sent`)
  }

  /** How long until one is due; `undefined`: there is none. */
  async dueInMs(): Promise<number | undefined> {
    const { rows } = await this.#db.query<{ ms: number | null }>(
      `select (extract(epoch from min(next_at) - clock_timestamp()) * 1000)::float8 as ms
       from ashlar.schedules where target = $1`,
      [this.#target],
    )
    return rows[0]?.ms ?? undefined
  }

  /** Changes so far, for `wait`. */
  async hints(): Promise<number> {
    await this.#wake.listen()
    return this.#wake.hints
  }

  /** Returns after `ms`, or when schedules changed since. */
  wait(ms: number, signal: AbortSignal, since: number): Promise<void> {
    return this.#wake.wait(ms, signal, since)
  }

  async close(): Promise<void> {
    await this.#wake.close()
    await this.#sql.close()
  }
}
