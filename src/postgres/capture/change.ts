import { types } from '../values.ts'
import type { Relation, Tuple } from './pgoutput.ts'

/** One row that was changed, as it was committed. */
export interface Change {
  /** `schema.table`. */
  table: string
  /** `copy`: the row was there before the capture began. */
  operation: 'copy' | 'insert' | 'update' | 'delete' | 'truncate'
  /** The row now; `undefined` once it is deleted or the table is truncated. What `unchanged` names is not in it. */
  row: Row | undefined
  /** The columns that identify the row (its primary key, or REPLICA IDENTITY), as they were before. Empty for `truncate`. */
  key: Row
  /** Large columns that an update did not touch: the log does not carry their values, which does not mean null. */
  unchanged: readonly string[]
  /**
   * Grows with each commit that touched a row, and is equal for changes of one transaction: what comes with a lower one is
   * older. The place in the log of the commit, or where the copy began.
   */
  version: number
  /** When it was committed, or copied, by the database's clock. */
  at: Date
}

export type Row = Record<string, unknown>

export function tableOf({ schema, name }: Relation): string {
  return `${schema}.${name}`
}

/** All of a row that the log has. */
export function rowOf({ columns }: Relation, tuple: Tuple): Row {
  const row: Row = {}
  columns.forEach(({ name, type }, i) => {
    const text = tuple[i]
    if (text !== undefined) row[name] = text === null ? null : valueOf(type, text)
  })
  return row
}

export function keyOf(relation: Relation, tuple: Tuple): Row {
  const isKey = relation.columns.map((column) => column.isKey)
  return rowOf(
    relation,
    tuple.map((text, i) => (isKey[i] ? text : undefined)),
  )
}

export function unchangedOf({ columns }: Relation, tuple: Tuple): string[] {
  return columns.filter((_, i) => tuple[i] === undefined).map(({ name }) => name)
}

function valueOf(type: number, text: string): unknown {
  return (types.getTypeParser(type, 'text') as (text: string) => unknown)(text)
}
