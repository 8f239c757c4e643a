import type { Log, OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, describe, invalid, isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { addToOutbox, ensureOutbox, outboxStats, startRelay, type OutboxMessage } from '../../postgres/outbox.ts'
import type { Sql, Transaction } from '../../postgres/sql.ts'
import { originOf, parsePostgresUrl } from '../../postgres/url.ts'
import { traceHeaders, withTrace } from '../../telemetry.ts'
import type { Indexed, Indexing } from './driver.ts'

/** Puts items into the index, an outcome for each. */
export type Apply = (items: readonly Indexing[]) => Promise<Indexed[]>

/** The outboxes of an index: in the service's main database and, when the engine is another PostgreSQL, in that one too. */
export class Outboxes {
  readonly #outboxes: readonly Outbox[]

  static async open(context: OpenContext, apply: Apply): Promise<Outboxes> {
    const opened: Outbox[] = []
    try {
      for (const url of databasesOf(context)) opened.push(await Outbox.open(url, context, apply))
      return new Outboxes(opened)
    } catch (error) {
      await new Outboxes(opened).close()
      throw error
    }
  }

  private constructor(outboxes: readonly Outbox[]) {
    this.#outboxes = outboxes
  }

  /** The outbox in the transaction's database. @throws `unsupported` without any, `invalid_argument` */
  in(tx: Transaction): Outbox {
    const found = this.#outboxes.find(({ origin }) => origin === tx.origin)
    if (found) return found
    if (this.#outboxes.length === 0)
      throw new AshlarError(
        'unsupported',
        '{ tx } needs a database for its outbox; set DATABASE_URL, or put after the commit',
      )
    const origins = this.#outboxes.map(({ origin }) => origin).join(' and ')
    throw invalid(
      `the transaction runs in ${tx.origin} and the outbox of this index is in ${origins}; use one database, or put after the commit`,
    )
  }

  /** Changes that wait, and those that the index refused; nothing where there is no database. */
  async stats(): Promise<{ outboxWaiting?: number; parked?: number }> {
    if (this.#outboxes.length === 0) return {}
    const all = await Promise.all(this.#outboxes.map((outbox) => outbox.stats()))
    const sum = (of: (each: { waiting: number; refused: number }) => number) =>
      all.reduce((total, each) => total + of(each), 0)
    return { outboxWaiting: sum(({ waiting }) => waiting), parked: sum(({ refused }) => refused) }
  }

  async close(): Promise<void> {
    await Promise.all(this.#outboxes.map((outbox) => outbox.close()))
  }
}

function databasesOf({ url, databaseUrl }: OpenContext): string[] {
  const urls = [databaseUrl, url].filter((each) => each !== undefined && /^postgres(ql)?:/i.test(each)) as string[]
  const byOrigin = new Map(urls.map((each) => [originOf(parsePostgresUrl(each)), each]))
  return [...byOrigin.values()]
}

/**
 * The way from a transaction to the index, whatever engine that is in. Committed changes are applied by
 * the processes that relay. One that the index refuses is parked in the outbox with its error and holds up nothing: changes
 * have no order there, since their versions decide.
 */
class Outbox {
  readonly #sql: Sql
  readonly #target: string
  #relay: AsyncDisposable | undefined

  static async open(url: string, context: OpenContext, apply: Apply): Promise<Outbox> {
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

  get origin(): string {
    return this.#sql.origin
  }

  async #start(apply: Apply, log: Log): Promise<void> {
    this.#relay = await startRelay(this.#sql, this.#target, (messages) => publish(messages, apply), { log })
  }

  /** Adds a change to the caller's transaction, with the time of the database's clock when it has no version. */
  async add(tx: Transaction, item: Indexing): Promise<void> {
    const version = item.version ?? (await clockOf(tx))
    const body = JSON.stringify({ ...item, version } satisfies Indexing)
    await addToOutbox(tx, this.#target, [{ key: undefined, body, headers: traceHeaders() }])
  }

  stats(): Promise<{ waiting: number; refused: number }> {
    return outboxStats(this.#sql, this.#target)
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
