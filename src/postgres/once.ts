import { storedKey } from './limits.ts'
import { migrate } from './migrate.ts'
import type { Sql, Transaction } from './sql.ts'

const sweepBatch = 1000

/** Makes the table of marks. Call it when a block opens, before `once` runs in any transaction. */
export async function ensureOnce(sql: Sql): Promise<void> {
  await migrate(sql, 'once', new URL('./sql/once/', import.meta.url))
}

/**
 * Runs work once for a scope and key, however often it is asked to: the mark commits with the effects. A duplicate that
 * runs at the same time waits for the first one, and runs the work itself when that one rolls back. When the work
 * throws, its effects and the mark are undone, also if the caller goes on with the transaction.
 * Within one transaction call it one after the other, not at the same time.
 * @returns what the work returned; `undefined` when it was done before
 */
export async function once<T>(
  tx: Transaction,
  scope: string,
  key: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T | undefined> {
  await tx.sql.query('savepoint ashlar_once')
  try {
    const { rowCount } = await tx.sql.query(
      'insert into ashlar.once (scope, key) values ($1, $2) on conflict do nothing',
      [storedKey(scope), storedKey(key)],
    )
    const result = rowCount === 1 ? await work(tx) : undefined
    await tx.sql.query('release savepoint ashlar_once')
    return result
  } catch (error) {
    await tx.sql.query('rollback to savepoint ashlar_once').catch(() => undefined)
    throw error
  }
}

/**
 * Deletes marks older than this many milliseconds, in small batches; answers how many. An effect whose mark is gone
 * would run again: keep marks for longer than any message can come back.
 */
export async function sweepOnce(sql: Sql, olderThanMs: number): Promise<number> {
  let swept = 0
  for (;;) {
    const { rowCount } = await sql.query(
      `delete from ashlar.once where (scope, key) in (
         select scope, key from ashlar.once where done_at < now() - $1 * interval '1 millisecond'
         limit ${sweepBatch} for update skip locked)`,
      [olderThanMs],
    )
    swept += rowCount
    if (rowCount < sweepBatch) return swept
  }
}
