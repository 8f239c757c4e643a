/*
 * URL: `postgres://user:password@host:port/database`, options as `postgres/url.ts` reads them. PostgreSQL 15 or newer.
 * Everything is supported. At rest: `ashlar.queues` names the queues; `ashlar.queue_messages` has one row a message until it
 * is settled, `ashlar.queue_dead` the dead letters, `ashlar.queue_dedupe` the dedupe keys; bodies and headers are JSON text.
 * Senders of one key, and of one dedupe key, wait for one another's commit: 10 s at most, within a transaction of the
 * caller as long as that database lets them.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { LeaseJobs, type FoundRow } from '../../postgres/lease-jobs.ts'
import { LeaseTable, statementMs, type Lane } from '../../postgres/lease.ts'
import { limited } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import { inside, type Queryable, type Sql, type Transaction } from '../../postgres/sql.ts'
import { Wake, channelOf } from '../../postgres/wake.ts'
import type {
  DeadLetter,
  Found,
  Jobs,
  Leased,
  Outgoing,
  Pausing,
  QueueDriver,
  QueueStats,
  Settlement,
} from './driver.ts'
import { gateText, isPausedText, pauseText, sendText, sweepText } from './postgres-text.ts'

const sweepEveryMs = 60_000

class PostgresQueue implements QueueDriver {
  readonly capabilities = {
    transactions: true,
    delay: true,
    priority: true,
    ordered: true,
    dedupe: true,
    deadLetters: true,
    history: true,
    jobs: true,
    pause: true,
    maxBytes: 1024 ** 2,
    maxDelayMs: 366 * 86_400_000,
  }
  readonly #sql: Sql
  readonly #db: Queryable
  readonly #lane: Lane
  readonly #table: LeaseTable
  readonly jobs: Jobs
  readonly pausing: Pausing
  #sweptMs = performance.now()
  #sweeping: Promise<unknown> | undefined

  constructor(sql: Sql, lane: Lane) {
    this.#sql = sql
    this.#db = limited(sql, statementMs)
    this.#lane = lane
    this.#table = new LeaseTable(sql, 'queue', gateText)
    this.jobs = this.#makeJobs()
    this.pausing = this.#makePausing()
  }

  #makeJobs(): Jobs {
    const [jobs, lane] = [new LeaseJobs(this.#db, 'queue', this.#table), this.#lane]
    return {
      find: async (id) => toFound(await jobs.find(lane, id)),
      cancel: (ids) => jobs.cancel(lane, ids),
      progress: (token, value) => jobs.progress(lane, token, value),
    }
  }

  #makePausing(): Pausing {
    const { id, wake } = this.#lane
    return {
      set: async (paused) => {
        await this.#db.query(pauseText, [id, paused])
        wake.notify()
      },
      isPaused: async () => (await this.#db.query<{ paused: boolean }>(isPausedText, [id])).rows[0]?.paused ?? false,
    }
  }

  get native(): { sql: Sql } {
    return { sql: this.#sql }
  }

  get origin(): string {
    return this.#sql.origin
  }

  async send(messages: readonly Outgoing[], tx?: Transaction): Promise<string[]> {
    if (messages.length === 0) return []
    const { rows } = await inside(tx, this.#db).query<{ id: string }>(sendText, [
      this.#lane.id,
      messages.map(({ body }) => body),
      messages.map(({ headers }) => JSON.stringify(headers)),
      messages.map(({ delayMs }) => delayMs),
      messages.map(({ priority }) => -priority),
      messages.map(({ key }) => key ?? null),
      messages.map(({ dedupe }) => dedupe?.key ?? null),
      messages.map(({ dedupe }) => dedupe?.windowMs ?? 0),
      tx === undefined,
    ])
    if (tx) tx.afterCommit((sql) => this.#sent(messages, sql))
    else await this.#sent(messages, this.#db)
    if (messages.some(({ dedupe }) => dedupe)) this.#sweepSometimes()
    return rows.map(({ id }) => id)
  }

  async #sent(messages: readonly Outgoing[], db: Queryable): Promise<void> {
    const keys = messages.map(({ key }) => key).filter((key) => key !== undefined)
    await this.#table.promote(this.#lane, keys, db)
    this.#lane.wake.notify()
  }

  /** Those who leave dedupe keys behind take the outdated ones away. */
  #sweepSometimes(): void {
    if (performance.now() - this.#sweptMs < sweepEveryMs) return
    this.#sweptMs = performance.now()
    this.#sweeping = this.#db.query(sweepText, [this.#lane.id]).catch(() => undefined)
  }

  async receive(options: ReceiveOptions): Promise<Leased[]> {
    const rows = await this.#table.receive(this.#lane, options)
    return rows.map(({ meta, key, ...row }) => {
      return { ...row, headers: JSON.parse(meta) as Record<string, string>, ...(key === null ? {} : { key }) }
    })
  }

  settle(settlements: readonly Settlement[], tx?: Transaction): Promise<boolean[]> {
    return this.#table.settle(this.#lane, settlements, tx)
  }

  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#table.extend(this.#lane, tokens, leaseMs)
  }

  async dead({ limit }: { limit: number }): Promise<DeadLetter[]> {
    const rows = await this.#table.dead(this.#lane, limit)
    return rows.map(({ meta, ...row }) => ({ ...row, headers: JSON.parse(meta) as Record<string, string> }))
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#table.redrive(this.#lane, ids)
  }

  stats(): Promise<QueueStats> {
    return this.#table.stats(this.#lane)
  }

  async close(): Promise<void> {
    await this.#table.close()
    await this.#sweeping
    await this.#lane.wake.close()
    await this.#sql.close()
  }
}

function toFound(row: FoundRow | undefined): Found | undefined {
  if (!row) return undefined
  const { progress, ...found } = row
  return progress === null ? found : { ...found, progress }
}

export async function open(context: OpenContext): Promise<QueueDriver> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'queue', new URL('./sql/', import.meta.url))
    const name = engineName(context)
    const { rows } = await sql.query<{ id: number }>(
      `with made as (insert into ashlar.queues (name) values ($1) on conflict do nothing returning id)
       select id from made union all select id from ashlar.queues where name = $1`,
      [name],
    )
    // Another process may have made it after this statement's snapshot.
    const id =
      rows[0]?.id ??
      (await sql.query<{ id: number }>('select id from ashlar.queues where name = $1', [name])).rows[0]!.id
    return new PostgresQueue(sql, { id, wake: new Wake(sql, channelOf('queue', name)) })
  } catch (error) {
    await sql.close()
    throw error
  }
}

export { codeOf } from '../../postgres/lease.ts'
