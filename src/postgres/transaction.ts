import type pg from 'pg'
import { AshlarError } from '../errors.ts'
import { isLost } from './reach.ts'
import { inTurn, queryable, type Queryable, type Result, type Transaction } from './sql.ts'

export type AfterCommit = (sql: Queryable) => void | Promise<void>

/** A transaction under way on one connection. Once it has ended it refuses to be used: its connection serves others. */
export class OpenTransaction implements Transaction {
  readonly origin: string
  readonly sql: Queryable
  readonly #client: pg.ClientBase
  #after: AfterCommit[] = []
  #ended = false
  #sqlUsed = false

  constructor(client: pg.ClientBase, origin: string) {
    this.origin = origin
    this.#client = client
    const on = queryable(client)
    this.sql = {
      query: async <Row extends object>(text: string, values?: readonly unknown[]): Promise<Result<Row>> =>
        this.use(() => {
          this.#sqlUsed = true
          return on.query<Row>(text, values)
        }),
    }
  }

  /** The connection, for statements in this transaction only. @throws `closed` once it has ended */
  use<T>(work: (client: pg.ClientBase) => T): T {
    if (!this.#ended) return work(this.#client)
    throw new AshlarError('closed', 'this transaction has ended; await everything that belongs to it before it returns')
  }

  /** Runs a part that is undone alone when it throws. Parts run one after the other, never at the same time. */
  async savepoint<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#after.length
    await this.sql.query(`savepoint ${name}`)
    try {
      const result = await work()
      await this.sql.query(`release savepoint ${name}`)
      return result
    } catch (error) {
      this.#after.length = Math.min(before, this.#after.length)
      await this.sql.query(`rollback to savepoint ${name}`).catch(() => undefined)
      throw error
    }
  }

  afterCommit(work: AfterCommit): void {
    this.use(() => this.#after.push(work))
  }

  /** Whether anything went through `sql`: other blocks' statements, and savepoints. */
  get sqlUsed(): boolean {
    return this.#sqlUsed
  }

  get ended(): boolean {
    return this.#ended
  }

  finish(): AfterCommit[] {
    this.#ended = true
    return this.#after
  }
}

/**
 * Begins, works, commits; rolls back when the work throws. What is to run after the commit is the caller's to start,
 * once the connection is free again.
 * @throws whatever the work throws; `conflict` when a failed statement was caught and the server rolled back at the end;
 *   `unavailable` (not retryable) when the connection broke during the commit: nobody knows whether it happened
 */
export async function inTransaction<Tx extends OpenTransaction, T>(
  client: pg.ClientBase,
  tx: Tx,
  begin: string,
  work: (tx: Tx) => Promise<T>,
): Promise<{ result: T; after: AfterCommit[] }> {
  await client.query(begin)
  try {
    const result = await work(tx)
    const after = tx.finish()
    await inTurn(client, () => commit(client))
    return { result, after }
  } catch (error) {
    tx.finish()
    await inTurn(client, () => client.query('rollback')).catch(() => undefined)
    throw error
  }
}

async function commit(client: pg.ClientBase): Promise<void> {
  const { command } = await client.query('commit').catch((error: unknown) => {
    if (!isLost(error)) throw error
    const doubt = 'the connection broke during the commit: it may have happened or not; look before doing it again'
    throw new AshlarError('unavailable', doubt, { retryable: false, cause: error })
  })
  if (command === 'ROLLBACK')
    throw new AshlarError(
      'conflict',
      'a statement failed inside the transaction and the error was caught, so PostgreSQL rolled everything back; let it be thrown, or put the statement in a nested transaction',
    )
}

/** Starts what was to run after the commit; nobody waits for it. */
export function runAfterCommit(after: readonly AfterCommit[], sql: Queryable): void {
  for (const work of after) void runQuietly(work, sql)
}

async function runQuietly(work: AfterCommit, sql: Queryable): Promise<void> {
  try {
    await work(sql)
  } catch {
    // A wake-up only: whoever waits for it looks by himself soon.
  }
}
