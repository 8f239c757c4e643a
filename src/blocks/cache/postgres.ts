/**
 * A shared cache in PostgreSQL 15 or newer.
 *
 * URL: `postgres://user:password@host:5432/database` with the options of `parsePostgresUrl`; none of its own.
 * At rest: one row an entry in `ashlar.cache`, an unlogged table (empty after a server crash and on a promoted replica), the value as
 * JSON text, under `<service>.<block>`; who loads what, in `ashlar.cache_locks`. Values up to 10 MB. Time is the server's `now()`.
 * Changes travel by NOTIFY, as digests of keys. What is over is never answered; its rows are swept about every half minute.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { queryWithin, storedKey } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import type { Result, Sql } from '../../postgres/sql.ts'
import { digestOf } from './digest.ts'
import type { Bounds, CacheDriver, Write } from './driver.ts'
import * as statements from './statements.ts'

const limitMs = 5_000
const sweepEveryMs = 20_000
const sweepPages = 2000
const taggedBatch = 500
const evictBatch = 10_000
const evictRounds = 20
/** A NOTIFY holds 8000 bytes; one that would not fit says "anything". */
const maxPayload = 7_900

/** @throws raw errors of `pg` */
export async function open(context: OpenContext): Promise<PostgresCache> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'cache', new URL('./sql/', import.meta.url))
    return new PostgresCache(sql, engineName(context))
  } catch (error) {
    await sql.close()
    throw error
  }
}

export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class PostgresCache implements CacheDriver {
  readonly capabilities = { tags: true, events: true, bounds: true, maxBytes: 10 * 1024 * 1024 }
  readonly #sql: Sql
  readonly #name: string
  readonly #channel: string
  /** Tells its own notifications from those of others. */
  readonly #sender = randomBytes(9).toString('base64url')

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.#name = name
    this.#channel = `ashlar_cache_${createHash('sha256').update(name).digest('hex').slice(0, 24)}`
  }

  async get(keys: readonly string[]): Promise<({ value: string; ttlMs: number } | undefined)[]> {
    const stored = keys.map(storedKey)
    const { rows } = await this.#query<{ key: string; value: string; left_ms: number }>(statements.get, [stored])
    const found = new Map(rows.map(({ key, value, left_ms: ttlMs }) => [key, { value, ttlMs }]))
    return stored.map((key) => found.get(key))
  }

  async set(entries: readonly Write[]): Promise<boolean[]> {
    const stored = entries.map(({ key }) => storedKey(key))
    const { rows } = await this.#query<{ key: string }>(statements.set, [
      stored,
      entries.map(({ value }) => value),
      entries.map(({ ttlMs }) => ttlMs),
      entries.map(({ tags }) => arrayLiteral(tags)),
      entries.map(({ token }) => token ?? null),
      entries.map(({ key }) => digestOf(key)),
      this.#channel,
      this.#sender,
    ])
    const written = new Set(rows.map(({ key }) => key))
    return stored.map((key) => written.has(key))
  }

  /** Two statements on purpose: the second sees what a load wrote whose lock the first had to wait for. */
  async delete(keys: readonly string[]): Promise<void> {
    const stored = keys.map(storedKey)
    await this.#query(statements.dropLocks, [stored])
    await this.#query(statements.remove, [stored, this.#channel, this.#payload(keys.map(digestOf))])
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#query(statements.dropTaggedLocks, [tags])
    for (let removed = taggedBatch; removed === taggedBatch;) {
      const { rows, rowCount } = await this.#query<{ key: string }>(statements.removeTagged, [tags, taggedBatch])
      removed = rowCount
      if (rows.length > 0) await this.#tell(rows.map(({ key }) => key))
    }
  }

  async lock(key: string, token: string, ttlMs: number, tags: readonly string[]): Promise<boolean> {
    return (await this.#query(statements.lock, [storedKey(key), token, ttlMs, tags])).rowCount === 1
  }

  async prolong(key: string, token: string, ttlMs: number): Promise<boolean> {
    return (await this.#query(statements.prolong, [storedKey(key), token, ttlMs])).rowCount === 1
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#query(statements.unlock, [storedKey(key), token])
  }

  onChange(changed: (digests: readonly string[] | undefined) => void): Promise<() => Promise<void>> {
    const onNotify = (payload: string) => {
      const [sender, digests = ''] = payload.split(':')
      if (digests === '') changed(undefined)
      else if (sender !== this.#sender) changed(digests.split(','))
    }
    return this.#sql.listen(this.#channel, onNotify, () => changed(undefined))
  }

  async sweep(bounds: Bounds): Promise<number> {
    const expired = (await this.#claim('')) ? await this.#sweepExpired() : 0
    return expired + ((await this.#claim(this.#name)) ? await this.#evict(bounds) : 0)
  }

  async stats(): Promise<{ entries: number; bytes: number }> {
    const { rows } = await this.#query<{ entries: number; bytes: number }>(statements.stats, [])
    return rows[0]!
  }

  close(): Promise<void> {
    return this.#sql.close()
  }

  async #claim(name: string): Promise<boolean> {
    return (await queryWithin(this.#sql, limitMs, statements.claimSweep, [name, sweepEveryMs])).rowCount === 1
  }

  async #sweepExpired(): Promise<number> {
    const { rows } = await queryWithin<{ pages: number }>(this.#sql, limitMs, statements.pages)
    let swept = 0
    for (let page = 0; page < rows[0]!.pages; page += sweepPages)
      swept += (await queryWithin(this.#sql, limitMs, statements.sweepPages, [page, page + sweepPages])).rowCount
    await queryWithin(this.#sql, limitMs, statements.sweepLocks)
    return swept
  }

  async #evict({ maxEntries, maxBytes }: Bounds): Promise<number> {
    let evicted = 0
    for (let round = 0; round < evictRounds; round++) {
      const { entries, bytes } = await this.stats()
      const over = Math.ceil(Math.max(entries - maxEntries, ((bytes - maxBytes) * entries) / Math.max(1, bytes)))
      if (over <= 0) break
      evicted += (await this.#query(statements.evict, [Math.min(over, evictBatch)])).rowCount
    }
    return evicted
  }

  /** A key that stands as its hash cannot be told by name: then anything may have changed. */
  async #tell(stored: readonly string[]): Promise<void> {
    const known = stored.every((key) => storedKey(key) === key)
    await queryWithin(this.#sql, limitMs, 'select pg_notify($1, $2)', [
      this.#channel,
      known ? this.#payload(stored.map(digestOf)) : `${this.#sender}:`,
    ])
  }

  #payload(digests: readonly string[]): string {
    const payload = `${this.#sender}:${digests.join(',')}`
    return payload.length <= maxPayload ? payload : `${this.#sender}:`
  }

  #query<R extends object>(text: string, values: readonly unknown[]): Promise<Result<R>> {
    return queryWithin<R>(this.#sql, limitMs, text, [this.#name, ...values])
  }
}

/** Text of a PostgreSQL array: lists of different lengths do not fit into one array parameter. */
function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}
