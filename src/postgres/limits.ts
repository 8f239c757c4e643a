import { createHash } from 'node:crypto'
import type pg from 'pg'
import { queryable, type Queryable, type Result, type Sql } from './sql.ts'

/**
 * One statement with a time limit. A connection that does not answer in time (a half-open network) is cut, so that it cannot
 * hold its place in the pool. @throws an error with the name `TimeoutError`
 */
export function queryWithin<Row extends object = Record<string, unknown>>(
  sql: Sql,
  limitMs: number,
  text: string,
  values: readonly unknown[] = [],
): Promise<Result<Row>> {
  return withinLimit(sql, limitMs, (client) => queryable(client).query<Row>(text, values))
}

/** A database whose every statement has this time limit. */
export function limited(sql: Sql, limitMs: number): Queryable {
  return { query: (text, values) => queryWithin(sql, limitMs, text, values) }
}

/**
 * The same, for statements that run often: each connection parses and plans them once. For few and constant texts, whose
 * plans do not depend on how many rows there were at first. Behind a pooler that cannot keep them apart they go out
 * unprepared.
 */
export function prepared(sql: Sql, limitMs: number): Queryable {
  let isKept = true
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      if (!isKept) return queryWithin(sql, limitMs, text, values)
      try {
        return await withinLimit(sql, limitMs, (client) => queryable(client, nameOf(text)).query<Row>(text, values))
      } catch (error) {
        if (!isPoolers(error)) throw error
        isKept = false
        return queryWithin(sql, limitMs, text, values)
      }
    },
  }
}

/** Statements 26000 (not there) and 42P05 (there already): another client had this connection before. Nothing was executed. */
function isPoolers(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: string }
  return code === '26000' || code === '42P05'
}

const names = new Map<string, string>()

function nameOf(text: string): string {
  let name = names.get(text)
  if (!name) names.set(text, (name = `ashlar_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`))
  return name
}

/** The same for other work on a connection. */
export function withinLimit<T>(sql: Sql, limitMs: number, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return sql.withClient(async (client) => {
    let cut = false
    const timer = setTimeout(() => {
      cut = true
      void (client as pg.Client).end().catch(() => undefined) // with a statement under way this destroys the socket at once
    }, limitMs)
    try {
      return await work(client)
    } catch (error) {
      throw cut ? timedOut(limitMs, error) : error
    } finally {
      clearTimeout(timer)
    }
  })
}

/** The wording also tells the pool not to use that connection again. */
function timedOut(limitMs: number, cause: unknown): Error {
  const error = new Error(`Connection terminated: no answer within ${limitMs} ms`, { cause })
  error.name = 'TimeoutError'
  return error
}

const longest = 200
const prefix = 'sha256:'

/**
 * How a user's key stands in an indexed text column: itself, or its SHA-256 when it is long (an index row holds 2700 bytes) or
 * has what PostgreSQL cannot store (NUL, lone surrogates). Different keys never meet.
 */
export function storedKey(key: string): string {
  if (key.length <= longest && !key.includes('\0') && key.isWellFormed() && !key.startsWith(prefix)) return key
  return prefix + createHash('sha256').update(JSON.stringify(key)).digest('base64url')
}
