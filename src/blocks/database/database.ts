import type pg from 'pg'
import type { Block, BlockOptions } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'

export interface DatabaseOptions extends BlockOptions {
  /** Folder of numbered SQL files, applied once each when the service starts. A URL, or a path from the working folder. */
  migrations?: string | URL
  /** Streaming replicas of the embedded cluster. 0 to 8, default 1. With an external database: what `DATABASE_REPLICA_URLS` names. */
  replicas?: number
  /** A replica further behind than this gets no reads. Default '10s'. */
  maxLag?: Duration
  /** Longest wait for a free connection. Default '10s'. */
  acquire?: Duration
}

type Row = Record<string, unknown>

/**
 * Statements as tagged templates: `${…}` becomes a bound value, never text. Also `pg`-shaped `query(text, values)`.
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

/** A transaction: pass it as `{ tx }` to what should commit with it. */
export interface DatabaseTransaction extends Queries, Transaction {}

/** What Kysely's and Drizzle's node-postgres dialects want of a pool. */
export interface PoolShaped {
  query: pg.Pool['query']
  connect(): Promise<pg.PoolClient>
  end(): Promise<void>
}

/** Reads that may go to a replica which has replayed what this request has written, else to the primary. */
export interface Reader extends Queries, PoolShaped {}

/**
 * One primary with streaming replicas. Statements go to the primary; those under `read` to a replica when that is safe.
 * After a failover it finds the new primary by itself.
 */
export interface Database extends Queries, PoolShaped, Block {
  /**
   * Commits when `work` returns, rolls back when it throws. `serialization` conflicts are tried again (up to 5 times) only
   * when an isolation level above the default is asked for. A transaction inside a transaction is a savepoint.
   */
  transaction<T>(
    work: (tx: DatabaseTransaction) => Promise<T>,
    options?: { isolation?: 'repeatable read' | 'serializable'; readOnly?: boolean },
  ): Promise<T>
  readonly read: Reader
}
