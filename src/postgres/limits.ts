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
