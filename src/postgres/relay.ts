import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, isAshlarError } from '../errors.ts'
import { count } from '../telemetry.ts'
import { batchText, deleteText, refuseText, retriesText } from './relay-text.ts'
import type { Queryable, Sql, Transaction } from './sql.ts'

/** Something to be published once the caller's transaction commits. */
export interface OutboxMessage {
  /** Messages of one key are published in the order of their commits. */
  key: string | undefined
  /** JSON text. */
  body: string
  headers: Record<string, string>
}

export interface RelayOptions {
  log?: { warn(fields: object, message: string): void }
  /** Most messages in one call of `publish`. 1 to 1000, default 100. */
  batch?: number
  /** Longest time between two looks when no notification comes. Default 5 s. */
  pollMs?: number
  /** First wait after a failure; it doubles up to 30 s for an engine that is away, up to 5 minutes for a refused message. */
  backoffMs?: number
}

type Publish = (messages: readonly OutboxMessage[], signal: AbortSignal) => Promise<void>
type Row = OutboxMessage & { id: number }
interface Refusal {
  id: number
  error: string
}

/** One class of advisory locks for the keys of the outbox, the next one for its relays: they do not meet the application's own. */
export const lockClass = 0x61_73_6f_78 // 'asox'
export const wakeChannel = 'ashlar_outbox'

const roundMs = 30_000
const closeMs = 5_000
const maxBackoffMs = 30_000
const retriesAtOnce = 10

/** The engine is away: nothing is held against the messages. */
class Away extends Error {}

/** Publishes what is committed for one target. While another process does so, this one waits. */
export class Relay implements AsyncDisposable {
  readonly #sql: Sql
  readonly #target: string
  readonly #publish: Publish
  readonly #options: RelayOptions
  readonly #closing = new AbortController()
  readonly #cut = new AbortController()
  #wake = Promise.withResolvers<void>()
  #running: Promise<void> | undefined
  #leave: (() => Promise<void>) | undefined
  #failures = 0

  constructor(sql: Sql, target: string, publish: Publish, options: RelayOptions) {
    this.#sql = sql
    this.#target = target
    this.#publish = publish
    this.#options = options
  }

  async start(): Promise<void> {
    const wake = () => this.#wake.resolve()
    const mine = payloadOf(this.#target)
    this.#leave = await this.#sql.listen(wakeChannel, (payload) => payload === mine && wake(), wake)
    this.#running = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#wake.resolve()
    const cut = setTimeout(() => this.#cut.abort(), closeMs)
    await this.#running
    clearTimeout(cut)
    await this.#leave?.()
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#wake = Promise.withResolvers()
      try {
        const moved = await this.#round()
        this.#failures = 0
        if (!moved) await this.#rest(this.#options.pollMs ?? 5_000, this.#wake.promise)
      } catch (error) {
        const waitMs = Math.min((this.#options.backoffMs ?? 100) * 2 ** this.#failures++, maxBackoffMs)
        this.#warn('the outbox could not be published; it is tried again', { error: describe(error), waitMs })
        await this.#rest(waitMs)
      }
    }
  }

  /** With a little chance, so that many processes do not come at the same moment. */
  async #rest(ms: number, woken?: Promise<void>): Promise<void> {
    const timer = new AbortController()
    const signal = AbortSignal.any([timer.signal, this.#closing.signal])
    const slept = sleep(ms * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
    await Promise.race(woken ? [slept, woken] : [slept])
    timer.abort()
  }

  /** One batch in one transaction, which holds the lock of this target. Answers whether there was anything to do. */
  async #round(): Promise<boolean> {
    const peek = await this.#sql.query(
      'select from ashlar.outbox where target = $1 and (retry_at is null or retry_at <= now()) limit 1',
      [this.#target],
    )
    if (peek.rowCount === 0) return false
    let away: Away | undefined
    const moved = await this.#sql.transaction(async (tx) => {
      if (!(await this.#takeTurn(tx))) return false
      try {
        return await this.#batch(tx.sql)
      } catch (error) {
        if (!(error instanceof Away)) throw error
        away = error // what was published before it stays published
        return true
      }
    })
    if (away) throw away
    return moved
  }

  /** A frozen process loses its session, and so its turn, after two rounds' time. */
  async #takeTurn({ sql }: Transaction): Promise<boolean> {
    const { rows } = await sql.query<{ got: boolean }>(
      `select pg_try_advisory_xact_lock($1, $2) as got, set_config('idle_in_transaction_session_timeout', $3, true)`,
      [lockClass + 1, hashOf(this.#target).readInt32BE(), `${2 * roundMs}ms`],
    )
    return rows[0]!.got
  }

  async #batch(sql: Queryable): Promise<boolean> {
    const { rows: fresh } = await sql.query<Row>(batchText, [this.#target, this.#options.batch ?? 100])
    const { rows: retries } = await sql.query<Row>(retriesText, [this.#target, retriesAtOnce])
    const signal = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(roundMs)])
    const done: Row[] = []
    const refused: Refusal[] = []
    try {
      if (fresh.length > 0 && !(await this.#together(fresh, signal, done)))
        await this.#singly(fresh, signal, done, refused)
      await this.#singly(retries, signal, done, refused)
    } finally {
      await this.#settle(sql, done, refused)
    }
    return fresh.length + retries.length > 0
  }

  /** False when the engine refused something in it. */
  async #together(rows: Row[], signal: AbortSignal, done: Row[]): Promise<boolean> {
    if (rows.length === 1) return false
    try {
      await this.#send(rows, signal)
      done.push(...rows)
      return true
    } catch (error) {
      if (isAway(error)) throw new Away(describe(error), { cause: error })
      return false
    }
  }

  /** One by one, to find out which are refused. Those of a key wait for one that was refused before them. */
  async #singly(rows: Row[], signal: AbortSignal, done: Row[], refused: Refusal[]): Promise<void> {
    const held = new Set<string>()
    const doubtful: Refusal[] = []
    for (const row of rows) {
      if (row.key !== null && row.key !== undefined && held.has(row.key)) continue
      const error = await this.#send([row], signal).then(
        () => undefined,
        (thrown: unknown) => thrown ?? new Error('nothing was said'),
      )
      if (error === undefined) done.push(row)
      else if (isAway(error)) throw new Away(describe(error), { cause: error })
      else {
        if (row.key) held.add(row.key)
        ;(isAshlarError(error) ? refused : doubtful).push({ id: row.id, error: describe(error) })
      }
    }
    // Errors without a code, and not one of several messages came through: that looks like the engine, not like the messages.
    if (doubtful.length > 1 && done.length === 0) throw new Away(doubtful[0]!.error)
    refused.push(...doubtful)
  }

  async #send(rows: Row[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const messages = rows.map(({ key, body, headers }) => ({ key: key ?? undefined, body, headers }))
      await Promise.race([this.#publish(messages, signal), aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #settle(sql: Queryable, done: Row[], refused: Refusal[]): Promise<void> {
    if (done.length > 0) await sql.query(deleteText, [done.map(({ id }) => id)])
    this.#count('published', done.length)
    if (refused.length === 0) return
    const ids = refused.map(({ id }) => id)
    await sql.query(refuseText, [ids, refused.map(({ error }) => error), this.#options.backoffMs ?? 1_000])
    this.#count('refused', refused.length)
    for (const { id, error } of refused)
      this.#warn('an outbox message is refused; it is kept and tried again', { id, error })
  }

  #count(what: 'published' | 'refused', by: number): void {
    if (by > 0)
      count(`ashlar_outbox_${what}_total`, `Messages of the outbox that were ${what}`, { target: this.#target }, by)
  }

  #warn(message: string, fields: object): void {
    this.#options.log?.warn({ target: this.#target, ...fields }, message)
  }
}

function isAway(error: unknown): boolean {
  const name = (error as { name?: string } | undefined)?.name
  return (isAshlarError(error) && error.retryable) || name === 'AbortError' || name === 'TimeoutError'
}

export function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** What a target is called in a notification: never the user's own name. */
export function payloadOf(target: string): string {
  return hashOf(target).toString('hex', 0, 8)
}
