/**
 * Sessions in PostgreSQL 15 or newer.
 *
 * URL: `postgres://user:password@host:5432/database` with the options of `parsePostgresUrl`; none of its own.
 * At rest: one row a session in `ashlar.sessions`, a logged table, under `<service>.<block>`; of the id only its SHA-256.
 * Each acknowledged change is committed with the server's own `synchronous_commit`. Expiry goes by the server's `now()`.
 * Ended rows vanish within about two minutes: each process sweeps, one at a time, 1000 rows a statement.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { Gather } from '../../gather.ts'
import { queryWithin } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import type { Result, Sql } from '../../postgres/sql.ts'
import type { NewSession, SessionDriver, StoredSession } from './driver.ts'

const limitMs = 5_000
const sweepEveryMs = 60_000
const sweepBatch = 1000
const sweepBatches = 100

interface Row {
  id_hash: string
  user_id: string | null
  data: string
  version: number
  created_ms: number
  left_ms: number
  /** Its end is the absolute one already: nothing prolongs it. */
  final: boolean
}

interface Found {
  session: StoredSession
  final: boolean
}

const ms = `interval '1 millisecond'`
const readLive = `
  select id_hash, user_id, data, version, (extract(epoch from created_at) * 1000)::float8 as created_ms,
         (extract(epoch from expires_at - now()) * 1000)::float8 as left_ms,
         expires_at >= absolute_at as final
    from ashlar.sessions where name = $1 and id_hash = any($2::text[]) and expires_at > now()`
const touch = `
  update ashlar.sessions set expires_at = least(now() + $3::float8 * ${ms}, absolute_at)
   where name = $1 and id_hash = $2 and expires_at > now() and expires_at < absolute_at
  returning (extract(epoch from expires_at - now()) * 1000)::float8 as left_ms`
/** The rows are locked first and their end is looked at again: one prolonged meanwhile stays. */
const sweep = `
  delete from ashlar.sessions where ctid = any(array(
    select ctid from ashlar.sessions
     where expires_at <= now() and (select pg_try_advisory_xact_lock(1634953320, 1))
     order by expires_at limit ${sweepBatch} for update skip locked))`

/** @throws raw errors of `pg` */
export async function open(context: OpenContext): Promise<PostgresSessions> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'sessions', new URL('./sql/', import.meta.url))
    return new PostgresSessions(sql, engineName(context))
  } catch (error) {
    await sql.close()
    throw error
  }
}

/** Nothing of its own beyond what all PostgreSQL drivers share. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class PostgresSessions implements SessionDriver {
  readonly #sql: Sql
  readonly #name: string
  readonly #reads: Gather<string, Found | undefined>
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<unknown> = Promise.resolve()

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.#name = name
    this.#reads = new Gather((hashes) => this.#readAll(hashes))
    this.#timer = setInterval(
      () => (this.#sweeping = this.sweep().catch(() => 0)),
      sweepEveryMs * (0.75 + Math.random() / 2),
    )
    this.#timer.unref()
  }

  async insert({ idHash, user, data, idleMs, absoluteMs }: NewSession): Promise<void> {
    await this.#query(
      `insert into ashlar.sessions (name, id_hash, user_id, data, expires_at, absolute_at)
       values ($1, $2, $3, $4, now() + least($5::float8, $6::float8) * ${ms}, now() + $6::float8 * ${ms})`,
      [this.#name, idHash, user ?? null, data, idleMs, absoluteMs],
    )
  }

  async read(idHash: string, idleMs: number): Promise<StoredSession | undefined> {
    const found = await this.#reads.ask(idHash)
    if (!found || found.final || found.session.expiresInMs > idleMs * 0.9) return found?.session
    const { rows } = await this.#query<{ left_ms: number }>(touch, [this.#name, idHash, idleMs])
    return rows[0] ? { ...found.session, expiresInMs: rows[0].left_ms } : found.session
  }

  async update(idHash: string, expected: number, data: string): Promise<boolean> {
    const { rowCount } = await this.#query(
      `update ashlar.sessions set data = $4, version = version + 1
        where name = $1 and id_hash = $2 and version = $3 and expires_at > now()`,
      [this.#name, idHash, expected, data],
    )
    return rowCount === 1
  }

  async rotate(idHash: string, toIdHash: string, user: string | undefined): Promise<boolean> {
    const { rowCount } = await this.#query(
      `update ashlar.sessions set id_hash = $3, user_id = coalesce($4, user_id)
        where name = $1 and id_hash = $2 and expires_at > now()`,
      [this.#name, idHash, toIdHash, user ?? null],
    )
    return rowCount === 1
  }

  async delete(idHash: string): Promise<void> {
    await this.#query('delete from ashlar.sessions where name = $1 and id_hash = $2', [this.#name, idHash])
  }

  /** By user and not by a list of ids: so a session that is being rotated at this moment ends too (its new row is checked again). */
  async deleteUser(user: string, exceptIdHash?: string): Promise<number> {
    const { rows } = await this.#query<{ ended: number }>(
      `with gone as (delete from ashlar.sessions
                      where name = $1 and user_id = $2 and id_hash is distinct from $3 returning expires_at)
       select count(*) filter (where expires_at > now()) as ended from gone`,
      [this.#name, user, exceptIdHash ?? null],
    )
    return rows[0]!.ended
  }

  async stats(): Promise<{ live: number }> {
    const { rows } = await this.#query<{ live: number }>(
      'select count(*) as live from ashlar.sessions where name = $1 and expires_at > now()',
      [this.#name],
    )
    return rows[0]!
  }

  /** Deletes what has ended, of all names, for a bounded time. Answers how many. */
  async sweep(): Promise<number> {
    let swept = 0
    for (let batch = 0; batch < sweepBatches; batch++) {
      const { rowCount } = await this.#query(sweep, [])
      swept += rowCount
      if (rowCount < sweepBatch) break
    }
    return swept
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
    await this.#sql.close()
  }

  async #readAll(hashes: string[]): Promise<(Found | undefined)[]> {
    const { rows } = await this.#query<Row>(readLive, [this.#name, [...new Set(hashes)]])
    const found = new Map(rows.map((row) => [row.id_hash, { session: toSession(row), final: row.final }]))
    return hashes.map((hash) => found.get(hash))
  }

  #query<R extends object>(text: string, values: readonly unknown[]): Promise<Result<R>> {
    return queryWithin<R>(this.#sql, limitMs, text, values)
  }
}

function toSession(row: Row): StoredSession {
  return {
    idHash: row.id_hash,
    user: row.user_id ?? undefined,
    data: row.data,
    version: row.version,
    createdAtMs: row.created_ms,
    expiresInMs: row.left_ms,
  }
}
