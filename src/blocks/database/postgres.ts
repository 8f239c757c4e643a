// URL: postgres://user:password@host:port[,host:port…]/database?sslmode=…&pool_size=…&application_name=…
// Several hosts are the members of one cluster; whichever is not in recovery is the primary. `replicaUrls` of the context
// name more that are read from. Options: sslmode disable (default), require, verify-full; pool_size 1 to 1000, default 10,
// for each process and member. PostgreSQL 15 or newer.
// Behind a pooler in transaction mode (PgBouncer) everything works but two things: notifications do not arrive (blocks fall
// back to their slow polls), and what an application itself keeps in a session (named statements, SET, session locks).
// At rest: the application's own tables, and the schema `ashlar` with the marks of the migrations.
import type { OpenContext } from '../../block.ts'
import type { Code } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { parsePostgresUrl } from '../../postgres/url.ts'
import type { DatabaseDriver } from './driver.ts'
import { Member } from './member.ts'

export async function open({ url, replicaUrls = [] }: OpenContext): Promise<DatabaseDriver> {
  const urls = [url, ...replicaUrls].map(parsePostgresUrl)
  const hosts = new Map<string, Member>()
  for (const each of urls)
    for (const host of each.hosts) {
      const member = new Member(each, host)
      if (!hosts.has(member.name)) hosts.set(member.name, member)
    }
  return { sql: openSql(url), members: hosts.size > 1 ? [...hosts.values()] : [] }
}

const exact: Readonly<Record<string, Code>> = {
  '23505': 'already_exists',
  '23502': 'invalid_argument',
  '23514': 'invalid_argument',
  '40001': 'conflict',
  '40P01': 'conflict',
  '42501': 'unauthorized',
  '55P03': 'timeout',
  '53300': 'unavailable',
}

const byClass: Readonly<Record<string, Code>> = {
  '0A': 'unsupported',
  '22': 'invalid_argument',
  '23': 'conflict',
  '26': 'unsupported',
  '42': 'invalid_argument',
  '53': 'exhausted',
  '54': 'exhausted',
}

/** What PostgreSQL's error codes mean; `undefined` leaves it to the codes that all drivers share. */
export function codeOf(error: unknown): Code | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined
  return exact[code] ?? byClass[code.slice(0, 2)]
}
