import type { Sql, Transaction } from './sql.ts'

/** Something to be published once the caller's transaction commits. */
export interface OutboxMessage {
  /** Messages of one key are published in the order of their commits. */
  key: string | undefined
  /** JSON text. */
  body: string
  headers: Record<string, string>
}

/** Adds to the outbox inside the caller's transaction: it exists if and when that commits. Target: `<kind>:<engine name>`. */
export declare function addToOutbox(tx: Transaction, target: string, messages: readonly OutboxMessage[]): Promise<void>

/**
 * Moves committed messages of a target to `publish`, in batches, order per key kept, at least once; a batch that fails is
 * tried again with backoff. Many processes may run it for the same target: one at a time works.
 */
export declare function startRelay(
  sql: Sql,
  target: string,
  publish: (messages: readonly OutboxMessage[]) => Promise<void>,
): Promise<AsyncDisposable>
