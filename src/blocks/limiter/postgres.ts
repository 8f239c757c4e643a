/**
 * Token buckets in PostgreSQL 15 or newer.
 *
 * URL: `postgres://user:password@host:5432/database` with the options of `parsePostgresUrl`; none of its own.
 * At rest: one row a bucket that is not full, in `ashlar.limiter`, an unlogged table (after a server crash or on a promoted replica
 * all buckets are full), under `<service>.<block>`. A batch is one statement that takes its row locks in the order of the keys, so
 * that no two of them wait for each other. Time is the server's `now()` and never goes back for a bucket. Rows of full buckets
 * are swept about every minute by one process.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { queryWithin, storedKey } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import type { Result, Sql } from '../../postgres/sql.ts'
import { answer, tolerance } from './bucket.ts'
import type { Bucket, LimiterDriver, Take, Taken } from './driver.ts'
import { toRounds, type Run } from './rounds.ts'

const limitMs = 5_000
const sweepEveryMs = 60_000
const sweepPages = 2000

const ms = `interval '1 millisecond'`
/** $4 capacity, $5 refill a ms. A new bucket is full; a known one has filled since its time. Both then grant what they hold. */
const take = `
  insert into ashlar.limiter as b (name, key, tokens, at, full_at, asked, cost, granted)
  select $1, key, $4 - granted * cost, now(), ${fullAt('$4 - granted * cost', 'now()')}, asked, cost, granted
    from (select key, asked, cost, ${grant('$4::float8', 'asked', 'cost')} as granted
            from unnest($2::text[], $3::int4[], $6::float8[]) as t (key, asked, cost)) as new
   order by key
  on conflict (name, key) do update set (tokens, at, full_at, asked, cost, granted) = (
    select tokens, at, ${fullAt('tokens', 'at')}, excluded.asked, excluded.cost, granted
      from (select level - granted * excluded.cost as tokens, granted, greatest(b.at, now()) as at
              from (select level, ${grant('level', 'excluded.asked', 'excluded.cost')} as granted
                      from (select least($4, b.tokens + greatest(0, extract(epoch from now() - b.at)::float8 * 1000) * $5) as level
                           ) as filled) as decided) as result)
  returning key, tokens, granted`

function grant(level: string, asked: string, cost: string): string {
  return `greatest(0, least(${asked}, floor((${level} + ${tolerance}) / ${cost})))::int4`
}

/** At most 400 days ahead: slow, large buckets would leave the range of dates. */
function fullAt(tokens: string, at: string): string {
  return `${at} + least(($4 - (${tokens})) / $5, 400 * 86400000.0) * ${ms}`
}

const claimSweep = `
  insert into ashlar.limiter_sweep as s default values
  on conflict (one) do update set swept_at = now() where s.swept_at < now() - $1::float8 * ${ms}
  returning swept_at`
const sweepRange = `
  delete from ashlar.limiter where ctid >= format('(%s,0)', $1::int8)::tid and ctid < format('(%s,0)', $2::int8)::tid
                               and full_at < now() - interval '1 second'`

/** @throws raw errors of `pg` */
export async function open(context: OpenContext): Promise<PostgresLimiter> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'limiter', new URL('./sql/', import.meta.url))
    return new PostgresLimiter(sql, engineName(context))
  } catch (error) {
    await sql.close()
    throw error
  }
}

export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class PostgresLimiter implements LimiterDriver {
  readonly #sql: Sql
  readonly #name: string
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<unknown> = Promise.resolve()

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.#name = name
    const every = sweepEveryMs * (0.75 + Math.random() / 2)
    this.#timer = setInterval(() => (this.#sweeping = this.sweep(sweepEveryMs / 2).catch(() => 0)), every)
    this.#timer.unref()
  }

  async take(bucket: Bucket, takes: readonly Take[]): Promise<Taken[]> {
    const answers: Taken[] = []
    const stored = takes.map(({ key, cost }) => ({ key: storedKey(key), cost }))
    for (const round of toRounds(stored)) await this.#decide(bucket, round, answers)
    return answers
  }

  async reset(key: string): Promise<void> {
    await this.#query('delete from ashlar.limiter where name = $1 and key = $2', [this.#name, storedKey(key)])
  }

  async stats(): Promise<{ keys: number }> {
    const { rows } = await this.#query<{ keys: number }>(
      'select count(*) as keys from ashlar.limiter where name = $1 and full_at > now()',
      [this.#name],
    )
    return rows[0]!
  }

  /**
   * Deletes the rows of full buckets, of all names, unless a process did within `everyMs`. It walks the table in pieces,
   * since an index on the time would make each take dearer. Answers how many.
   */
  async sweep(everyMs: number): Promise<number> {
    const turn = await this.#query(claimSweep, [everyMs])
    if (turn.rowCount === 0) return 0
    const { rows } = await this.#query<{ pages: number }>(
      `select pg_relation_size('ashlar.limiter') / current_setting('block_size')::int8 as pages`,
      [],
    )
    let swept = 0
    for (let page = 0; page < rows[0]!.pages; page += sweepPages)
      swept += (await this.#query(sweepRange, [page, page + sweepPages])).rowCount
    return swept
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
    await this.#sql.close()
  }

  async #decide(bucket: Bucket, round: readonly Run[], answers: Taken[]): Promise<void> {
    const { rows } = await this.#query<{ key: string; tokens: number; granted: number }>(take, [
      this.#name,
      round.map(({ key }) => key),
      round.map(({ places }) => places.length),
      bucket.capacity,
      bucket.refillPerMs,
      round.map(({ cost }) => cost),
    ])
    const decided = new Map(rows.map((row) => [row.key, row]))
    for (const { key, cost, places } of round) {
      const { tokens, granted } = decided.get(key)!
      places.forEach((place, nth) => {
        const level = nth < granted ? tokens + (granted - 1 - nth) * cost : tokens
        answers[place] = answer(bucket, nth < granted, cost, level)
      })
    }
  }

  #query<R extends object>(text: string, values: readonly unknown[]): Promise<Result<R>> {
    return queryWithin<R>(this.#sql, limitMs, text, values)
  }
}
