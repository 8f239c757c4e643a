/**
 * Driver `postgres:` — `postgres://user:password@host:port/database`, with the URL options of `src/postgres/url.ts`;
 * PostgreSQL 15 or newer. Everything of the contract is supported.
 *
 * At rest: `ashlar.discovery`, one row per instance, its lease as `expires_at` by the database's clock. An ended lease
 * counts as gone at once; its row is swept by a later registration. Changes are told by NOTIFY on `ashlar_discovery`
 * (payload: a hash of registry and service); the end of a lease tells nobody, which is why watchers also list unasked.
 */
import { createHash } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { queryWithin } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import type { Sql } from '../../postgres/sql.ts'
import type { DiscoveryDriver, Instance } from './driver.ts'

/** A connection that answers later than this is cut, so that a half-open network cannot fill the pool. */
const limitMs = 4_000
const channel = 'ashlar_discovery'
/** SQL for what `topicOf` computes: `$1` is the registry. */
const topicSql = (service: string) => `left(encode(sha256(convert_to($1 || '/' || ${service}, 'UTF8')), 'hex'), 32)`

const registerSql = `
  with swept as (
    delete from ashlar.discovery where registry = $1 and id <> $2 and id in (
      select id from ashlar.discovery where registry = $1 and expires_at < now() - interval '1 minute' limit 1000)
  ), saved as (
    insert into ashlar.discovery as d (registry, id, service, host, port, meta, expires_at)
    values ($1, $2, $3, $4, $5, $6::jsonb, now() + $7 * interval '1 millisecond')
    on conflict (registry, id) do update set service = excluded.service, host = excluded.host, port = excluded.port,
      meta = excluded.meta, expires_at = excluded.expires_at
    returning service)
  select pg_notify('${channel}', ${topicSql('service')}) from saved`

const renewSql = `
  update ashlar.discovery set expires_at = now() + $3 * interval '1 millisecond'
  where registry = $1 and id = $2 and expires_at > now()`

const deregisterSql = `
  with gone as (delete from ashlar.discovery where registry = $1 and id = $2 returning service)
  select pg_notify('${channel}', ${topicSql('service')}) from gone`

const listSql = `
  select id, service, host, port, meta from ashlar.discovery
  where registry = $1 and service = $2 and expires_at > now() order by id`

export async function open(context: OpenContext): Promise<DiscoveryDriver> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'discovery', new URL('./sql/', import.meta.url))
  } catch (error) {
    await sql.close()
    throw error
  }
  return new PostgresDiscovery(sql, engineName(context))
}

/** What connections and PostgreSQL throw is mapped for all drivers by `commonCode`. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

/** Under which payload changes of a service are told; names never appear in it. */
export function topicOf(registry: string, service: string): string {
  return createHash('sha256').update(`${registry}/${service}`).digest('hex').slice(0, 32)
}

class PostgresDiscovery implements DiscoveryDriver {
  readonly #sql: Sql
  readonly #registry: string

  constructor(sql: Sql, registry: string) {
    this.#sql = sql
    this.#registry = registry
  }

  async register({ id, service, host, port, meta }: Instance, ttlMs: number): Promise<void> {
    await queryWithin(this.#sql, limitMs, registerSql, [
      this.#registry,
      id,
      service,
      host,
      port,
      JSON.stringify(meta),
      ttlMs,
    ])
  }

  async renew(id: string, ttlMs: number): Promise<boolean> {
    const { rowCount } = await queryWithin(this.#sql, limitMs, renewSql, [this.#registry, id, ttlMs])
    return rowCount > 0
  }

  async deregister(id: string): Promise<void> {
    await queryWithin(this.#sql, limitMs, deregisterSql, [this.#registry, id])
  }

  async list(service: string): Promise<Instance[]> {
    const { rows } = await queryWithin<Instance>(this.#sql, limitMs, listSql, [this.#registry, service])
    return rows
  }

  watch(service: string, changed: () => void): Promise<() => Promise<void>> {
    const topic = topicOf(this.#registry, service)
    return this.#sql.listen(channel, (payload) => payload === topic && changed(), changed)
  }

  close(): Promise<void> {
    return this.#sql.close()
  }
}
