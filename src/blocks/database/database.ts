import type pg from 'pg'
import type { Block, BlockOptions } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'
import type { CaptureOptions, ChangeHandler, TableCapture } from './capture.ts'

export interface DatabaseOptions extends BlockOptions {
  /** Folder of numbered SQL files, applied once each when the service starts. A URL, or a path from the working folder. */
  migrations?: string | URL
  /**
   * Streaming replicas of the embedded cluster. 0 to 8, default 1. With an external database reads go to the other hosts of
   * `DATABASE_URL` and to what `DATABASE_REPLICA_URLS` names; with 0 all reads go to the primary.
   */
  replicas?: number
  /** A replica further behind than this gets no reads. 100ms to 10m, default '10s'. */
  maxLag?: Duration
  /** Longest wait for a free connection. 1ms to 5m, default '10s'. */
  acquire?: Duration
}

type Row = Record<string, unknown>

/**
 * Statements as tagged templates: `${…}` becomes a bound value, never text. Arrays, Dates, Buffers and plain objects (as
 * JSON) go as they are; `json(value)` for any other JSON. `int8` arrives as a number, or a bigint when it is too large.
 * Also `pg`-shaped `query(text, values)`, which behaves as `pg` itself does, its errors included.
 */
export interface Queries {
  /** Exactly one row. @throws `not_found` for none, `conflict` for more */
  one<R extends object = Row>(text: TemplateStringsArray, ...values: unknown[]): Promise<R>
  /** The row, or `undefined`. @throws `conflict` for more than one */
  maybe<R extends object = Row>(text: TemplateStringsArray, ...values: unknown[]): Promise<R | undefined>
  many<R extends object = Row>(text: TemplateStringsArray, ...values: unknown[]): Promise<R[]>
  /** How many rows it touched. */
  run(text: TemplateStringsArray, ...values: unknown[]): Promise<number>
  query: pg.Pool['query']
}

/**
 * A transaction: pass it as `{ tx }` to what should commit with it. Kysely and Drizzle run inside of it, too: it is a pool
 * of the one connection. Once it has ended it refuses everything (`closed`).
 */
export interface DatabaseTransaction extends Queries, Transaction {
  /** A part that is undone alone when it throws: a savepoint. Parts that start at the same time run one after the other. */
  transaction<T>(work: (tx: DatabaseTransaction) => Promise<T>): Promise<T>
  /** The transaction's own connection; `release` gives nothing back before the end. */
  connect(): Promise<pg.PoolClient>
  end(): Promise<void>
  readonly options: object
}

/** What Kysely's and Drizzle's node-postgres dialects want of a pool, types included: pass the handle as the pool. */
export type PoolShaped = pg.Pool

/**
 * Reads that may go to a replica which has replayed what this request has written, else to the primary. Statements that
 * write are refused (`unsupported`) wherever they would have gone. `end` closes nothing.
 */
export interface Reader extends Queries, Omit<PoolShaped, keyof Queries> {}

/** How a transaction runs. Only the outermost takes them. */
export interface TransactionOptions {
  /** Default: the server's, 'read committed' unless it was set otherwise. */
  isolation?: 'repeatable read' | 'serializable'
  /** Refuses every write in it. Default false. */
  readOnly?: boolean
}

/**
 * One primary with streaming replicas. Statements go to the primary; those under `read` to a replica when that is safe.
 * After a failover it finds the new primary by itself.
 */
export interface Database extends Queries, Omit<PoolShaped, keyof Queries>, Block {
  /**
   * Commits when `work` returns, rolls back when it throws. `serialization` conflicts are tried again (up to 5 times) only
   * when an isolation level above the default is asked for. A transaction inside a transaction is a savepoint.
   * @throws whatever `work` throws; `conflict` when a failed statement was caught, so that nothing could be committed;
   *   `unavailable`, not retryable, when the connection broke during the commit
   */
  transaction<T>(work: (tx: DatabaseTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  readonly read: Reader & pg.Pool
  /**
   * Follows tables: all rows that are there, then every committed change, in the order of the commits, from the database's own
   * log (logical decoding). At least once; a handler that throws gets the same changes again. One process of the service
   * at a time follows a `name`, from where the last one was; others stand by. Feed a stream or a search index by it: no
   * write of the application can be missed. Needs `wal_level = logical` (the embedded database has it) and the right to replicate.
   * @throws `not_found` for a table; `invalid_argument`; `conflict` when the capture follows other tables; `unsupported`
   */
  capture(name: string, options: CaptureOptions, handler: ChangeHandler): Promise<TableCapture>
  /** Ends a capture for good. Until then the server keeps log for it, up to its limit. @throws `conflict` while a process follows it */
  dropCapture(name: string): Promise<void>
}
