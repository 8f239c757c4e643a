import pg from 'pg'

/** The rows of one statement. */
export interface Result<Row> {
  rows: Row[]
  rowCount: number
}

/**
 * How drivers speak SQL. Values are positional (`$1`); send JSON as text (`$1::jsonb`), never as an array or object.
 * `int8` arrives as a number (drivers keep theirs below 2^53), `timestamptz` as a Date, `bytea` as a Buffer.
 */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Result<Row>>
}

/**
 * A transaction of the caller. What is sent with `{ tx }` commits or vanishes with the caller's rows.
 * The `database` block's own transaction object has this shape.
 */
export interface Transaction {
  /** The database it runs in (see `originOf`): a driver takes part only when it is its own. */
  readonly origin: string
  readonly sql: Queryable
  /** Runs after a successful commit, never after a rollback; errors are swallowed (use it for wake-ups only). */
  afterCommit(work: () => void | Promise<void>): void
}

/** One database, through a pool that this process shares: see `openSql`. */
export interface Sql extends Queryable, AsyncDisposable {
  readonly origin: string
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Calls back for each NOTIFY on a channel; a hint only: reconnects silently, `onGap` says that some may have been missed. */
  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>>
  /** The `pg` pool to the current primary, for the `database` block. */
  withClient<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const int8 = 20
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8 && format !== 'binary') return Number
    return pg.types.getTypeParser(oid, format as 'text')
  },
}

/** A connection as drivers see it, whatever type parsers the application has set on `pg`. */
export function queryable(client: pg.ClientBase): Queryable {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      const { rows, rowCount } = await client.query({ text, values: [...values], types: types as pg.CustomTypesConfig })
      return { rows: rows as Row[], rowCount: rowCount ?? 0 }
    },
  }
}
