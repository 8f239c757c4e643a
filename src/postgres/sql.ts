import pg from 'pg'
import { invalid } from '../errors.ts'

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
  /**
   * Runs after a successful commit, never after a rollback, outside of the transaction; `sql` is the same database.
   * Errors are swallowed and nobody waits for it: use it for wake-ups only.
   */
  afterCommit(work: (sql: Queryable) => void | Promise<void>): void
}

/** One database, through a pool that this process shares: see `openSql`. */
export interface Sql extends Queryable, AsyncDisposable {
  readonly origin: string
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Calls back for each NOTIFY on a channel; a hint only: reconnects silently, `onGap` says that some may have been missed. */
  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>>
  /**
   * Lends a connection to the current primary. One that is given back broken or inside a transaction is not used again.
   * @throws `timeout` when none is free within `acquireMs` (default 10 s)
   */
  withClient<T>(work: (client: pg.ClientBase) => Promise<T>, options?: { acquireMs?: number }): Promise<T>
  /** A connection of the caller's own to the primary that speaks the replication protocol, too; he ends it. */
  replicate(): Promise<pg.Client>
  /** Connections of this process to the primary. */
  connections(): { total: number; idle: number; waiting: number }
  close(): Promise<void>
}

const int8 = 20
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8 && format !== 'binary') return Number
    return pg.types.getTypeParser(oid, format)
  },
}

/** The protocol counts them in 16 bits; more would wrap around silently. */
const maxValues = 65_535

/** @throws `invalid_argument` for more values than one statement can carry */
export function checkValues(values: readonly unknown[] | undefined): void {
  if (values && values.length > maxValues)
    throw invalid(
      `a statement has ${values.length} values; PostgreSQL takes at most ${maxValues}: pass arrays (select … from unnest($1::text[])) or send fewer rows at a time`,
    )
}

/** A connection as drivers see it, whatever type parsers the application has set on `pg`. */
export function queryable(client: pg.ClientBase): Queryable {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      checkValues(values)
      const query = { text, values: [...values], types }
      const { rows, rowCount } = await inTurn(client, () => client.query(query))
      return { rows: rows as Row[], rowCount: rowCount ?? 0 }
    },
  }
}

const tails = new WeakMap<pg.ClientBase, Promise<unknown>>()

/** One statement at a time on a connection, in the order of the calls: `pg` will give up queueing them itself. */
export function inTurn<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  const before = tails.get(client)
  const mine = before ? before.then(work, work) : work()
  tails.set(
    client,
    mine.catch(() => undefined),
  )
  return mine
}

/** Where a driver's statements run: inside the caller's transaction when there is one. */
export function inside(tx: Transaction | undefined, sql: Queryable): Queryable {
  return tx?.sql ?? sql
}
