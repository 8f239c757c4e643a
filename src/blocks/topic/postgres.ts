/*
 * URL: `postgres://user:password@host:port/database`, options as `postgres/url.ts` reads them. PostgreSQL 15 or newer.
 * Everything is supported. At rest: `ashlar.topic_subscriptions` names the subscriptions with their filters;
 * `ashlar.topic_messages` has one row for each message and subscription until it is settled, `ashlar.topic_dead` the dead
 * letters; bodies, headers and attributes are JSON text. Publishers of one key wait for one another's commit: 10 s at most,
 * within a transaction of the caller as long as that database lets them. Which subscriptions a message goes to is decided
 * when `publish` runs: by what is committed then, or, in a transaction with repeatable reads, when that began.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { LeaseTable, statementMs, type Lane } from '../../postgres/lease.ts'
import { limited } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import { inside, type Queryable, type Sql, type Transaction } from '../../postgres/sql.ts'
import { Wake, channelOf } from '../../postgres/wake.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'
import {
  orphansText,
  promoteAllText,
  publishText,
  statsText,
  subscribeText,
  sweepTexts,
  trimmableText,
  trimText,
} from './postgres-text.ts'

interface Meta {
  headers: Record<string, string>
  attributes: Record<string, string>
}

/** How long a subscription's id is believed: one that is made anew has another. */
const laneAgeMs = 2_000
const sweepBatch = 1_000
/** Of one subscription at a time; the rest waits for the next turn. */
const trimRounds = 1_000

interface Trimmable {
  lane: number
  subscription: string
  upTo: number
  before: string
}

class PostgresTopic implements TopicDriver {
  readonly capabilities = {
    transactions: true,
    filters: true,
    changesFilters: true,
    ordered: true,
    deadLetters: true,
    history: true,
    keepsMessages: true,
    trims: true,
    figures: true,
    maxBytes: 1024 ** 2,
  }
  readonly #sql: Sql
  readonly #db: Queryable
  readonly #topic: string
  readonly #wake: Wake
  readonly #table: LeaseTable
  readonly #lanes = new Map<string, { lane: Lane; atMs: number }>()

  constructor(sql: Sql, topic: string) {
    this.#sql = sql
    this.#db = limited(sql, statementMs)
    this.#topic = topic
    this.#wake = new Wake(sql, channelOf('topic', topic))
    this.#table = new LeaseTable(sql, 'topic')
  }

  get native(): { sql: Sql } {
    return { sql: this.#sql }
  }

  get origin(): string {
    return this.#sql.origin
  }

  async publish(messages: readonly Outgoing[], tx?: Transaction): Promise<string[]> {
    if (messages.length === 0) return []
    const { rows } = await inside(tx, this.#db).query<{ id: string }>(publishText, [
      this.#topic,
      messages.map(({ body }) => body),
      messages.map(({ headers, attributes }) => JSON.stringify({ headers, attributes } satisfies Meta)),
      messages.map(({ attributes }) => JSON.stringify(attributes)),
      messages.map(({ key }) => key ?? null),
      tx === undefined,
    ])
    if (tx) tx.afterCommit((sql) => this.#published(messages, sql))
    else await this.#published(messages, this.#db)
    return rows.map(({ id }) => id)
  }

  async #published(messages: readonly Outgoing[], db: Queryable): Promise<void> {
    const keys = new Set(messages.map(({ key }) => key).filter((key) => key !== undefined))
    if (keys.size > 0) await db.query(promoteAllText, [this.#topic, [...keys]]).catch(() => undefined)
    this.#wake.notify()
  }

  async subscribe({ name, filter, keep }: Subscription): Promise<void> {
    const messages = keep.messages === Infinity ? null : keep.messages
    await this.#db.query(subscribeText, [this.#topic, name, JSON.stringify(filter), keep.ms, messages])
  }

  async unsubscribe(name: string): Promise<void> {
    this.#lanes.delete(name)
    const { rows: ended } = await this.#db.query<{ lane: number }>(
      'delete from ashlar.topic_subscriptions where topic = $1 and name = $2 returning id as lane',
      [this.#topic, name],
    )
    const { rows: orphans } = await this.#db.query<{ lane: number }>(orphansText)
    await this.#sweep([...ended, ...orphans].map(({ lane }) => lane))
  }

  /** Deletes, in batches, what no subscription owns. */
  async #sweep(lanes: readonly number[]): Promise<void> {
    if (lanes.length === 0) return
    for (const text of sweepTexts) {
      let swept = sweepBatch
      while (swept === sweepBatch) swept = (await this.#db.query(text, [lanes])).rowCount
    }
  }

  async receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]> {
    const rows = await this.#table.receive(await this.#lane(subscription), options)
    return rows.map(({ meta, key, sentAt, ...row }) => {
      return { ...row, ...(JSON.parse(meta) as Meta), publishedAt: sentAt, ...(key === null ? {} : { key }) }
    })
  }

  async settle(subscription: string, settlements: readonly Settlement[], tx?: Transaction): Promise<boolean[]> {
    return this.#table.settle(await this.#lane(subscription), settlements, tx)
  }

  async extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#table.extend(await this.#lane(subscription), tokens, leaseMs)
  }

  async dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    const rows = await this.#table.dead(await this.#lane(subscription), limit)
    return rows.map(({ meta, ...row }) => ({ ...row, attributes: (JSON.parse(meta) as Meta).attributes }))
  }

  async redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#table.redrive(await this.#lane(subscription), ids)
  }

  async stats(): Promise<SubscriptionStats[]> {
    const { rows } = await this.#db.query<SubscriptionStats>(statsText, [this.#topic])
    return rows
  }

  async trim(): Promise<{ subscription: string; dropped: number }[]> {
    const { rows } = await this.#db.query<Trimmable>(trimmableText, [this.#topic])
    const trimmed: { subscription: string; dropped: number }[] = []
    for (const each of rows) trimmed.push({ subscription: each.subscription, dropped: await this.#trimOne(each) })
    return trimmed
  }

  /** In short transactions, so that nobody waits for a long one. */
  async #trimOne({ lane, upTo, before }: Trimmable): Promise<number> {
    let dropped = 0
    for (let round = 0; round < trimRounds; round++) {
      const { rows: gone } = await this.#db.query<{ key: string | null }>(trimText, [lane, upTo, before])
      await this.#table.promote(
        { id: lane },
        gone.map(({ key }) => key).filter((key) => key !== null),
      )
      dropped += gone.length
      if (gone.length < sweepBatch) break
    }
    if (dropped > 0) this.#wake.notify()
    return dropped
  }

  async close(): Promise<void> {
    await this.#table.close()
    await this.#wake.close()
    await this.#sql.close()
  }

  async #lane(name: string): Promise<Lane> {
    const known = this.#lanes.get(name)
    if (known && performance.now() - known.atMs < laneAgeMs) return known.lane
    this.#lanes.delete(name)
    const { rows } = await this.#db.query<{ id: number }>(
      'select id from ashlar.topic_subscriptions where topic = $1 and name = $2',
      [this.#topic, name],
    )
    if (!rows[0])
      throw new AshlarError('not_found', `topic '${this.#topic}' has no subscription '${name}'; subscribe first`)
    const lane = { id: rows[0].id, wake: this.#wake }
    this.#lanes.set(name, { lane, atMs: performance.now() })
    return lane
  }
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'topic', new URL('./sql/', import.meta.url))
    return new PostgresTopic(sql, engineName(context))
  } catch (error) {
    await sql.close()
    throw error
  }
}

export { codeOf } from '../../postgres/lease.ts'
