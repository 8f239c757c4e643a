import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { wrap, type Health, type OpenContext, type Stats } from '../../block.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe, invalid, type Code } from '../../errors.ts'
import { within } from '../../postgres/reach.ts'
import { inTransaction, runAfterCommit } from '../../postgres/transaction.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import type { CaptureOptions, ChangeHandler, TableCapture } from './capture.ts'
import { Captures } from './captures.ts'
import type { Database, DatabaseTransaction, TransactionOptions } from './database.ts'
import type { DatabaseDriver } from './driver.ts'
import { answer, callOf, checkOut, type Call } from './lend.ts'
import { Primary } from './primary.ts'
import { hand, ReaderPool, withoutClient } from './reader.ts'
import { Replicas, type Reason } from './replicas.ts'
import { templates, type Templates } from './template.ts'
import { BlockTransaction, currentTransaction } from './tx.ts'

export interface Settings {
  maxLagMs: number
  acquireMs: number
  /** Reads may go to replicas. */
  replicas: boolean
}

const serializationTries = 6
const healthMs = 1_800
const readsHelp = 'Reads by where they went and why'

interface Parts extends OpenedDriver<DatabaseDriver> {
  context: Pick<OpenContext, 'name' | 'service' | 'log'>
  settings: Settings
}

/** The handle. Its name holds "Pool" because Drizzle looks for it; being one makes it fit wherever `pg` does. */
export class DatabasePool extends pg.Pool implements Database {
  readonly kind = 'database'
  readonly driver: string
  readonly name: string
  readonly read: ReaderPool
  readonly one: Templates['one']
  readonly maybe: Templates['maybe']
  readonly many: Templates['many']
  readonly run: Templates['run']
  readonly #driver: DatabaseDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #replicas: Replicas
  readonly #primary: Primary
  readonly #captures: Captures
  readonly #forgetGauge: () => void
  readonly #reads = { replica: 0, primary: 0 }
  #closing: Promise<void> | undefined

  constructor({ context, driver, scheme, codeOf, settings }: Parts) {
    const { name } = context
    super({ max: 1 })
    withoutClient(this)
    this.name = name
    this.driver = scheme
    this.#driver = driver
    this.#codeOf = codeOf
    this.#replicas = new Replicas(settings.replicas ? driver.members : [], settings.maxLagMs)
    this.#primary = new Primary(driver.sql, settings.acquireMs, this.#replicas)
    this.#captures = new Captures(context, driver.sql)
    this.read = this.#reader(settings.acquireMs)
    const templated = templates((statement) => this.#wrapped('query', () => this.#query(callOf([statement]))))
    ;({ one: this.one, maybe: this.maybe, many: this.many, run: this.run } = templated)
    this.query = ((...given: unknown[]) => this.#answer(callOf(given))) as pg.Pool['query']
    this.#forgetGauge = gauge(
      'ashlar_database_lag_ms',
      'Lag of the slowest replica that answers',
      { block: name },
      () =>
        settings.replicas && driver.members.length > 0 ? this.#replicas.stats().then(({ lagMs }) => lagMs) : undefined,
    )
    this.#countThroughout()
  }

  #reader(acquireMs: number): ReaderPool {
    return new ReaderPool({
      primary: this.#primary,
      replicas: this.#replicas,
      acquireMs,
      wrapped: (work) => this.#wrapped('read', work),
      observed: (work) => this.#observed('read', work),
      count: (to, reason) => this.#countRead(to, reason),
    })
  }

  #countRead(to: 'replica' | 'primary', reason: Reason): void {
    this.#reads[to]++
    count('ashlar_database_reads_total', readsHelp, { block: this.name, to, reason })
  }

  #answer(call: Call): Promise<pg.QueryResult> | undefined {
    if (call.submittable)
      throw new AshlarError('unsupported', `${this.name}: a cursor or stream needs one connection; use connect()`)
    return answer(
      call,
      this.#observed('query', () => this.#query(call)),
    )
  }

  #query(call: Call): Promise<pg.QueryResult> {
    return this.#primary.withClient((client) => this.#primary.send(client, call))
  }

  override connect(): Promise<pg.PoolClient>
  override connect(callback: Parameters<typeof hand>[1]): void
  override connect(callback?: Parameters<typeof hand>[1]): Promise<pg.PoolClient> | void {
    const before = { wrote: false }
    const connecting = checkOut(
      (work) => this.#primary.withClient(work),
      (client, call) => this.#primary.send(client, call, before),
    )
    return callback ? hand(connecting, callback) : connecting
  }

  async transaction<T>(work: (tx: DatabaseTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const begin = beginText(options)
    const outer = currentTransaction(this)
    if (outer && begin !== 'begin')
      throw invalid(
        `${this.name}: a transaction inside a transaction has its isolation and access; leave the options out`,
      )
    if (outer) return outer.transaction(work)
    const tries = options.isolation ? serializationTries : 1
    for (let tried = 1; ; tried++) {
      try {
        return await this.#transaction(begin, work)
      } catch (error) {
        if (tried === tries || !isSerialization(error)) throw error
        await sleep(2 ** tried * (0.5 + Math.random()))
      }
    }
  }

  capture(name: string, options: CaptureOptions, handler: ChangeHandler): Promise<TableCapture> {
    return this.#wrapped('capture', () => this.#captures.open(name, options, handler))
  }

  dropCapture(name: string): Promise<void> {
    return this.#wrapped('dropCapture', () => this.#captures.drop(name))
  }

  /** What the work throws comes out as it is; what the database throws around it is wrapped. */
  async #transaction<T>(begin: string, work: (tx: DatabaseTransaction) => Promise<T>): Promise<T> {
    let thrown: { error: unknown } | undefined
    const guarded = async (tx: BlockTransaction) => {
      try {
        return await tx.within(work)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      return await this.#wrapped('transaction', () => this.#committed(begin, guarded))
    } catch (error) {
      throw thrown ? thrown.error : error
    }
  }

  async #committed<T>(begin: string, work: (tx: BlockTransaction) => Promise<T>): Promise<T> {
    const { sql } = this.#driver
    const { result, after } = await this.#primary.withClient(async (client) => {
      const tx = new BlockTransaction(client, sql.origin, this, (each) => this.#wrapped('query', each))
      const done = await inTransaction(client, tx, begin, work)
      if (tx.wrote) await this.#primary.note(client)
      return done
    })
    runAfterCommit(after, sql)
    return result
  }

  /** `pg`'s own errors come out, as libraries that look at their codes expect; the figures have Ashlar's. */
  async #observed<T>(operation: string, work: () => Promise<T>): Promise<T> {
    let raw: { error: unknown } | undefined
    try {
      return await this.#wrapped(operation, () =>
        work().catch((error: unknown) => {
          raw = { error }
          throw error
        }),
      )
    } catch (error) {
      throw raw ? raw.error : error
    }
  }

  #wrapped<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const of = { kind: this.kind, block: this.name, driver: this.driver, operation }
    return observed(of, async () => {
      if (this.#closing) throw new AshlarError('closed', `${this.name}: this database is closed`, of)
      try {
        return await work()
      } catch (error) {
        throw wrap(error, { ...of, doing: operation }, this.#codeOf)
      }
    })
  }

  async health(): Promise<Health> {
    try {
      const asked = this.#driver.sql.withClient((client) => client.query('select 1'), { acquireMs: healthMs })
      await within(asked, healthMs, 'no answer')
      return this.#captures.health()
    } catch (error) {
      return { ok: false, detail: describe(error) }
    }
  }

  async stats(): Promise<Stats> {
    const { total, idle, waiting } = this.#driver.sql.connections()
    const { replicas, lagMs, connections } = await this.#replicas.stats()
    const { replica: readsReplica, primary: readsPrimary } = this.#reads
    const captureLagBytes = await this.#captures.lagBytes()
    return {
      connections: total + connections,
      idle,
      waiting,
      replicas,
      lagMs,
      readsReplica,
      readsPrimary,
      captureLagBytes,
    }
  }

  /** The counts of `pg.Pool` are those of the connections to the primary. */
  #countThroughout(): void {
    const { sql } = this.#driver
    Object.defineProperties(this, {
      totalCount: { get: () => sql.connections().total },
      idleCount: { get: () => sql.connections().idle },
      waitingCount: { get: () => sql.connections().waiting },
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#forgetGauge()
    await this.#captures.close()
    await Promise.all([this.#replicas.close(), this.#driver.sql.close()])
  }

  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | void {
    if (!callback) return this.close()
    void this.close().then(callback, callback)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function beginText({ isolation, readOnly, ...unknown }: TransactionOptions): string {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw invalid(`transaction: option '${name}' is not known; known are isolation, readOnly`)
  if (isolation !== undefined && isolation !== 'repeatable read' && isolation !== 'serializable')
    throw invalid(
      `transaction isolation: '${String(isolation)}' is not known; allowed are 'repeatable read', 'serializable'`,
    )
  return ['begin', isolation && `isolation level ${isolation}`, readOnly && 'read only'].filter(Boolean).join(' ')
}

/** Another transaction came between: the same work may succeed when it is done again. */
function isSerialization(error: unknown): boolean {
  for (let each = error as { code?: string; cause?: unknown } | undefined; each; each = each.cause as typeof each)
    if (each.code === '40001' || each.code === '40P01') return true
  return false
}
