import type pg from 'pg'
import type { CustomTypesConfig } from 'pg'
import { AshlarError, invalid } from '../../errors.ts'
import { types } from '../../postgres/values.ts'

/** A statement with its bound values. */
export interface Statement {
  text: string
  values: unknown[]
  types: CustomTypesConfig
}

/** What runs a statement: the pool, a replica, a transaction. */
export type Execute = (statement: Statement) => Promise<pg.QueryResult<Record<string, unknown>>>

type Tagged<T> = (text: TemplateStringsArray, ...values: unknown[]) => Promise<T>

/** The tagged templates of `Queries`, over whatever runs statements. */
export interface Templates {
  one<R extends object = Record<string, unknown>>(...of: Parameters<Tagged<R>>): Promise<R>
  maybe<R extends object = Record<string, unknown>>(...of: Parameters<Tagged<R>>): Promise<R | undefined>
  many<R extends object = Record<string, unknown>>(...of: Parameters<Tagged<R>>): Promise<R[]>
  run(...of: Parameters<Tagged<number>>): Promise<number>
}

export function templates(execute: Execute): Templates {
  const maybe = async <R extends object>(...of: Parameters<Tagged<R>>): Promise<R | undefined> => {
    const { rows } = await execute(statementOf(...of))
    if (rows.length > 1)
      throw new AshlarError(
        'conflict',
        `expected at most one row, got ${rows.length}; use many, or narrow the statement`,
      )
    return rows[0] as R | undefined
  }
  return {
    maybe,
    async one<R extends object>(...of: Parameters<Tagged<R>>): Promise<R> {
      const row = await maybe<R>(...of)
      if (row === undefined)
        throw new AshlarError('not_found', 'expected one row, got none; use maybe when there may be none')
      return row
    },
    many: async <R extends object>(...of: Parameters<Tagged<R>>) => (await execute(statementOf(...of))).rows as R[],
    run: async (...of) => (await execute(statementOf(...of))).rowCount ?? 0,
  }
}

/** Values become `$1 $2 …`: they are never part of the text. @throws `invalid_argument` for a value that cannot be sent */
export function statementOf(parts: TemplateStringsArray, ...values: unknown[]): Statement {
  if (!Array.isArray(parts) || !('raw' in parts))
    throw invalid(
      'write the statement as a template: db.one`select … where id = ${id}`; for text with values there is query(text, values)',
    )
  const text = parts.reduce((sofar, part, index) => `${sofar}$${index}${part}`)
  return { text, values: values.map(checkValue), types }
}

function checkValue(value: unknown, index: number): unknown {
  if (value === undefined) throw invalid(`value ${index + 1} of the statement is undefined; write null for SQL's NULL`)
  if (typeof value === 'function' || typeof value === 'symbol')
    throw invalid(`value ${index + 1} of the statement is a ${typeof value}, which PostgreSQL cannot store`)
  if (value instanceof Date && Number.isNaN(value.getTime()))
    throw invalid(`value ${index + 1} of the statement is an invalid Date`)
  return value
}

/**
 * A value for a `json` or `jsonb` column, whatever it is: without this, an array becomes a PostgreSQL array and a string
 * is taken for JSON text. Plain objects need no help.
 */
export function json(value: unknown): { toPostgres(): string } {
  const text = JSON.stringify(value)
  if (text === undefined) throw invalid(`json(): ${typeof value} has no JSON form`)
  return { toPostgres: () => text }
}
