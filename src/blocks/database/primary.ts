import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { writtenUpTo, wroteAt } from '../../postgres/consistency.ts'
import { isAshlarError } from '../../errors.ts'
import { isLost } from '../../postgres/reach.ts'
import type { Sql } from '../../postgres/sql.ts'
import { send, type Call } from './lend.ts'
import type { Replicas } from './replicas.ts'
import { mayWrite } from './writes.ts'

/** How long a failover may take before callers hear of it. */
const failoverMs = 3_000
const againMs = 50

/** Connections to the primary, and how far this request has written there. */
export class Primary {
  readonly #sql: Sql
  readonly #acquireMs: number
  readonly #replicas: Replicas

  constructor(sql: Sql, acquireMs: number, replicas: Replicas) {
    this.#sql = sql
    this.#acquireMs = acquireMs
    this.#replicas = replicas
  }

  /**
   * Lends a connection. While the primary is away (it restarts, or another one takes over) it is tried again for a short
   * time, since nothing was sent yet; what fails once it was lent is not repeated.
   */
  async withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const end = performance.now() + Math.min(failoverMs, this.#acquireMs)
    for (;;) {
      let lent = false
      try {
        const lending = (client: pg.ClientBase) => ((lent = true), work(client as pg.PoolClient))
        return await this.#sql.withClient(lending, { acquireMs: this.#acquireMs })
      } catch (error) {
        if (lent || !(isLost(error) || isAshlarError(error, 'unavailable')) || performance.now() > end) throw error
        await sleep(againMs * (0.5 + Math.random()))
      }
    }
  }

  /** One call on a connection; when it ends a transaction, or was outside of one, what it wrote is noted. */
  async send(client: pg.PoolClient, call: Call, before = { wrote: false }): Promise<pg.QueryResult> {
    const result = await send(client, call)
    before.wrote ||= mayWrite(call.text, result.command)
    if (client.getTransactionStatus() !== 'I') return result
    if (before.wrote) await this.note(client)
    before.wrote = false
    return result
  }

  /**
   * Reads of this request must see the log up to here. Costs a round trip, so only where somebody asked for it. What was
   * written is written, so a connection that breaks just now is no reason to report a failure.
   */
  async note(client: pg.ClientBase): Promise<void> {
    if (!writtenUpTo()) return
    const lsn = await askEnd(client).catch(() => askEnd(this.#sql).catch(() => undefined))
    if (lsn === undefined) return
    wroteAt(lsn)
    this.#replicas.wrote(lsn)
  }
}

async function askEnd(on: { query(text: string): Promise<{ rows: object[] }> }): Promise<string> {
  const { rows } = await on.query('select pg_current_wal_insert_lsn()::text as lsn')
  return (rows[0] as { lsn: string }).lsn
}
