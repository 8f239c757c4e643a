import type { Log, OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, describe, invalid, isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { addToOutbox, ensureOutbox, outboxStats, startRelay, type OutboxMessage } from '../../postgres/outbox.ts'
import type { Sql, Transaction } from '../../postgres/sql.ts'
import { traceHeaders, withTrace } from '../../telemetry.ts'
import type { Indexed, Indexing } from './driver.ts'

/** Puts items into the index, an outcome for each. */
export type Apply = (items: readonly Indexing[]) => Promise<Indexed[]>

/**
 * The way from a transaction of the main database to the index, whatever engine that is in. Committed changes are applied by
 * the processes that relay. One that the index refuses is parked in the outbox with its error and holds up nothing: changes
 * have no order there, since their versions decide.
 */
export class Outbox {
  readonly #sql: Sql
  readonly #target: string
  #relay: AsyncDisposable | undefined

  /** `undefined` when there is no database for it. */
  static async open(context: OpenContext, apply: Apply): Promise<Outbox | undefined> {
    const url = /^postgres(ql)?:/i.test(context.url) ? context.url : context.databaseUrl
    if (url === undefined) return undefined
    const opened = new Outbox(openSql(url), `search:${engineName(context)}`)
    try {
      await ensureOutbox(opened.#sql)
      if (context.relays) await opened.#start(apply, context.log)
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  private constructor(sql: Sql, target: string) {
    this.#sql = sql
    this.#target = target
  }

  async #start(apply: Apply, log: Log): Promise<void> {
    this.#relay = await startRelay(this.#sql, this.#target, (messages) => publish(messages, apply), { log })
  }

  /** Adds a change to the caller's transaction, with the time of the database's clock when it has no version. */
  async add(tx: Transaction, item: Indexing): Promise<void> {
    if (tx.origin !== this.#sql.origin)
      throw invalid(
        `the transaction runs in ${tx.origin} and the outbox of this index in ${this.#sql.origin}; use one database, or put after the commit`,
      )
    const version = item.version ?? (await clockOf(tx))
    const body = JSON.stringify({ ...item, version } satisfies Indexing)
    await addToOutbox(tx, this.#target, [{ key: undefined, body, headers: traceHeaders() }])
  }

  /** Changes that wait, and those that the index refused. */
  async stats(): Promise<{ outboxWaiting: number; parked: number }> {
    const { waiting, refused } = await outboxStats(this.#sql, this.#target)
    return { outboxWaiting: waiting, parked: refused }
  }

  async close(): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]()
    await this.#sql.close()
  }
}

/** After a refusal the relay sends the batch again one by one, and finds out which it is. */
async function publish(messages: readonly OutboxMessage[], apply: Apply): Promise<void> {
  const items = messages.map(({ body }) => JSON.parse(body) as Indexing)
  const outcomes = await withTrace(messages[0]?.headers ?? {}, () => apply(items)).catch(throwAway)
  const refused = outcomes.find((each) => each.outcome === 'refused')
  if (refused) throw invalid(`document '${refused.id}': ${refused.error}`)
}

/** A full disk is no fault of a document: the relay waits for it as for an engine that is away. */
function throwAway(error: unknown): never {
  if (!isAshlarError(error, 'exhausted')) throw error
  throw new AshlarError('unavailable', describe(error), { cause: error })
}

async function clockOf(tx: Transaction): Promise<number> {
  const { rows } = await tx.sql.query<{ now: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now',
  )
  return rows[0]!.now
}
