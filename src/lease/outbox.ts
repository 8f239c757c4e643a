import type { Log, OpenContext } from '../block.ts'
import type { Sql, Transaction } from '../postgres/sql.ts'
import { originOf, parsePostgresUrl } from '../postgres/url.ts'

/** What a transaction hands to an engine that takes no part in it. */
export interface Entrusted<M> {
  /** Stays the same when the relay publishes twice. */
  id: string
  message: M
}

/**
 * The way from a transaction of the service's database to an engine: the message is stored with the caller's rows, and a
 * relay, in processes that relay, moves it on after the commit, at least once.
 */
export class Outbox<M extends { key?: string }> {
  readonly #target: string
  readonly #origin: string
  readonly #sql: Sql
  #relay: AsyncDisposable | undefined

  private constructor(target: string, sql: Sql) {
    this.#target = target
    this.#origin = sql.origin
    this.#sql = sql
  }

  /** `undefined` where it is not needed: there is no service database, or the engine is that very database. */
  static async open<M extends { key?: string }>(
    target: string,
    { databaseUrl, relays, log }: OpenContext,
    engineOrigin: string | undefined,
    publish: (entrusted: Entrusted<M>[]) => Promise<unknown>,
  ): Promise<Outbox<M> | undefined> {
    if (databaseUrl === undefined || originOf(parsePostgresUrl(databaseUrl)) === engineOrigin) return undefined
    const { openSql } = await import('../postgres/open.ts')
    const outbox = new Outbox<M>(target, openSql(databaseUrl))
    try {
      await outbox.#prepare(relays ? publish : undefined, log)
      return outbox
    } catch (error) {
      await outbox.close()
      throw error
    }
  }

  async #prepare(publish: ((entrusted: Entrusted<M>[]) => Promise<unknown>) | undefined, log: Log): Promise<void> {
    const { ensureOutbox, startRelay } = await import('../postgres/outbox.ts')
    await ensureOutbox(this.#sql)
    if (!publish) return
    const entrusted = (body: string) => JSON.parse(body) as Entrusted<M>
    const move = async (messages: readonly { body: string }[]) => {
      await publish(messages.map(({ body }) => entrusted(body)))
    }
    this.#relay = await startRelay(this.#sql, this.#target, move, { log })
  }

  /** Answers ids of the outbox's own: the engine gives its ids later. */
  async add(tx: Transaction, messages: readonly M[]): Promise<string[]> {
    const { addToOutbox } = await import('../postgres/outbox.ts')
    const entrusted = messages.map((message): Entrusted<M> => ({ id: crypto.randomUUID(), message }))
    await addToOutbox(
      tx,
      this.#target,
      entrusted.map((each) => ({ key: each.message.key, body: JSON.stringify(each), headers: {} })),
    )
    return entrusted.map(({ id }) => id)
  }

  /** True for a transaction of the database that it lives in. */
  covers(tx: Transaction): boolean {
    return tx.origin === this.#origin
  }

  async close(): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]()
    await this.#sql.close()
  }
}
