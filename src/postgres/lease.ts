import type { CustomTypesConfig } from 'pg'
import type { Code } from '../errors.ts'
import {
  claimText,
  deadText,
  extendText,
  healText,
  lookText,
  promoteText,
  redriveText,
  settleText,
  statsText,
} from './lease-text.ts'
import { parseToken } from './lease-token.ts'
import { limited, withinLimit } from './limits.ts'
import { inside, type Queryable, type Sql, type Transaction } from './sql.ts'
import type { Wake } from './wake.ts'

/** One line of leased messages: a queue, or a subscription of a topic. */
export interface Lane {
  id: number
  wake: Wake
}

export interface LentRow {
  id: string
  body: string
  /** What the block keeps beside the body, as JSON text. */
  meta: string
  key: string | null
  attempt: number
  sentAt: Date
  token: string
}

/** As a simple query gives it: all text. */
interface ClaimedRow {
  id: string
  body: string
  meta: string
  key: string | null
  attempt: string
  sentMs: string
  token: string
  rank: string
  seq: string
}

export interface BuriedRow {
  id: string
  body: string
  meta: string
  attempts: number
  error: string
  diedAt: Date
  history: FailedAttempt[]
}

/** One failed attempt. */
interface FailedAttempt {
  attempt: number
  at: Date
  error: string
}

interface ReceiveOptions {
  max: number
  leaseMs: number
  waitMs: number
  signal: AbortSignal
}

interface LeaseFigures {
  ready: number
  delayed: number
  leased: number
  dead: number
  oldestAgeMs: number
}

interface SettlementRow {
  token: string
  outcome: 'done' | 'retry' | 'release' | 'dead'
  delayMs?: number
  error?: string
}

/** Longest time between two looks when no notification comes; the next due message is waited for exactly. */
const longestPollMs = 5_000
/** A connection that does not answer for so long is given up. */
export const statementMs = 30_000
const redriveBatch = 1_000
const healEveryMs = 15_000
const maxLanes = 10_000
const dayMs = 86_400_000

/**
 * Leases on the rows of a table `ashlar.<prefix>_messages`: one column `at` is due time, end of lease and end of a retry's
 * wait; a lease is a number from a sequence, and it is the fence. See `lease-text.ts` for the shape of the tables.
 */
export class LeaseTable {
  readonly #sql: Sql
  readonly #db: Queryable
  readonly #closing = new AbortController()
  readonly #receiving = new Set<Promise<unknown>>()
  readonly #text: ReturnType<typeof textsOf>
  /** By lane, when all its keys were last looked over. */
  readonly #healedMs = new Map<number, number>()

  /** @param gate a condition on the lane (`$lane`) under which messages are lent, as a subquery; default always */
  constructor(sql: Sql, prefix: string, gate?: string) {
    this.#sql = sql
    this.#db = limited(sql, statementMs)
    this.#text = textsOf(prefix, gate)
  }

  async receive(lane: Lane, options: ReceiveOptions): Promise<LentRow[]> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    const received = this.#receive(lane, { ...options, signal })
    this.#receiving.add(received)
    try {
      return await received
    } finally {
      this.#receiving.delete(received)
    }
  }

  /** The first look is the cheapest there is; the others also say how long to wait. */
  async #receive(lane: Lane, { max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<LentRow[]> {
    const end = performance.now() + waitMs
    const leftMs = () => end - performance.now()
    if (signal.aborted) return []
    await this.#heal(lane.id)
    const first = await this.#ask(this.#text.claim, lane.id, max, leaseMs)
    if (first.lent.length > 0 || leftMs() <= 0) return first.lent
    await lane.wake.listen()
    while (!signal.aborted) {
      const { hints } = lane.wake
      const { lent, dueMs } = await this.#ask(this.#text.look, lane.id, max, leaseMs)
      if (lent.length > 0 || leftMs() <= 0) return lent
      const pollMs = longestPollMs * (0.8 + Math.random() * 0.2)
      await lane.wake.wait(Math.max(1, Math.min(leftMs(), pollMs, Math.ceil(dueMs))), signal, hints)
    }
    return []
  }

  /** Makes good what a process left undone that died at a bad moment. */
  async #heal(lane: number): Promise<void> {
    const now = performance.now()
    if (now < (this.#healedMs.get(lane) ?? 0)) return
    if (this.#healedMs.size > maxLanes) this.#healedMs.clear()
    this.#healedMs.set(lane, now + healEveryMs * (0.8 + Math.random() * 0.4))
    await this.#db.query(this.#text.heal, [lane])
  }

  /** One simple query, so that the planner settings hold for this claim only; a bursty table's statistics mislead it. */
  async #ask(
    template: string,
    lane: number,
    max: number,
    leaseMs: number,
  ): Promise<{ lent: LentRow[]; dueMs: number }> {
    const text = template
      .replaceAll('$lane', String(Math.trunc(lane)))
      .replaceAll('$max', String(Math.trunc(max)))
      .replaceAll('$leaseMs', String(Math.trunc(leaseMs)))
    const results = await withinLimit(this.#sql, statementMs, (client) => client.query({ text, types: plainTypes }))
    const answers = (results as unknown as { command: string; rows: object[] }[]).slice(-2)
    const claimed = answers.find(({ command }) => command === 'UPDATE')!.rows as ClaimedRow[]
    const due = answers.find(({ command }) => command === 'SELECT')?.rows[0] as { ms: string | null } | undefined
    return { lent: claimed.sort(isBefore).map(toLent), dueMs: due?.ms ? Number(due.ms) : Infinity }
  }

  async settle(lane: Lane, settlements: readonly SettlementRow[], tx?: Transaction): Promise<boolean[]> {
    if (settlements.length === 0) return []
    const rows = settlements.map(parseSettlement)
    const { rows: held } = await inside(tx, this.#db).query<Held>(this.#text.settle, [
      lane.id,
      rows.map(({ seq }) => seq),
      rows.map(({ lease }) => lease),
      rows.map(({ outcome }) => outcome),
      rows.map(({ delayMs = 0 }) => Math.min(delayMs, 3650 * dayMs)),
      rows.map(({ error = '' }) => error.replaceAll('\0', '')),
    ])
    const keys = keysOf(held)
    if (tx) tx.afterCommit((sql) => this.#settled(sql, lane, settlements, keys))
    else await this.#settled(this.#db, lane, settlements, keys)
    return whichHeld(rows, held)
  }

  async #settled(db: Queryable, lane: Lane, settlements: readonly SettlementRow[], keys: string[]): Promise<void> {
    await this.promote(lane, keys, db)
    const isForOthers = keys.length > 0 || settlements.some(({ outcome }) => outcome === 'release')
    if (isForOthers) lane.wake.notify()
    else lane.wake.wake()
  }

  /**
   * Call it after the commit with the keys of what was stored or removed; see `lease-text.ts`. It never fails: `receive` makes
   * up for it.
   */
  async promote(lane: Pick<Lane, 'id'>, keys: readonly string[], db: Queryable = this.#db): Promise<void> {
    if (keys.length === 0) return
    await db.query(this.#text.promote, [lane.id, [...new Set(keys)]]).catch(() => undefined)
  }

  /** After messages with these keys went other than by settling. */
  async removed(lane: Lane, rows: readonly { key: string | null }[]): Promise<void> {
    const keys = keysOf(rows)
    await this.promote(lane, keys)
    if (keys.length > 0) lane.wake.notify()
  }

  async extend(lane: Lane, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    if (tokens.length === 0) return []
    const parsed = tokens.map(parseToken)
    const { rows } = await this.#db.query<Held>(this.#text.extend, [
      lane.id,
      parsed.map(({ seq }) => seq),
      parsed.map(({ lease }) => lease),
      leaseMs,
    ])
    return whichHeld(parsed, rows)
  }

  async dead(lane: Lane, limit: number): Promise<BuriedRow[]> {
    const { rows } = await this.#db.query<BuriedRow & { history: string }>(this.#text.dead, [lane.id, limit])
    return rows.map((row) => ({ ...row, history: parseHistory(row.history) }))
  }

  /** In batches, and only those that died before it began, so that it ends though they may die again meanwhile. */
  async redrive(lane: Lane, ids: readonly string[] | 'all'): Promise<number> {
    const wanted = ids === 'all' ? null : [...new Set(ids.filter((id) => /^\d{1,18}$/.test(id)))]
    const { rows } = await this.#db.query<{ now: string }>('select clock_timestamp()::text as now')
    let count = 0
    for (;;) {
      const values = [lane.id, wanted, rows[0]!.now, redriveBatch]
      const { rows: redriven, rowCount } = await this.#db.query<{ key: string | null }>(this.#text.redrive, values)
      await this.promote(lane, keysOf(redriven))
      count += rowCount
      if (rowCount > 0) lane.wake.notify()
      if (rowCount < redriveBatch) return count
    }
  }

  async stats(lane: Lane): Promise<LeaseFigures> {
    const { rows } = await this.#db.query<LeaseFigures>(this.#text.stats, [lane.id])
    return rows[0]!
  }

  /** Ends waiting receives; call it before the database is closed. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#receiving)
  }
}

function textsOf(prefix: string, gate: string | undefined) {
  return {
    claim: claimText(prefix, gate),
    look: lookText(prefix, gate),
    settle: settleText(prefix),
    extend: extendText(prefix),
    promote: promoteText(prefix),
    heal: healText(prefix),
    dead: deadText(prefix),
    redrive: redriveText(prefix),
    stats: statsText(prefix),
  }
}

interface Held {
  seq: number
  held: number
  key: string | null
}

function keysOf(rows: readonly { key: string | null }[]): string[] {
  return rows.map(({ key }) => key).filter((key) => key !== null)
}

/** By lease too: one call may name an old and the present delivery of a message. */
function whichHeld(asked: readonly { seq: number; lease: string }[], rows: readonly Held[]): boolean[] {
  const held = new Set(rows.map(({ seq, held: lease }) => `${lease}.${seq}`))
  return asked.map(({ seq, lease }) => held.has(`${Number(lease)}.${seq}`))
}

/** `null` for those that died before the column was there. */
function parseHistory(history: string | null): FailedAttempt[] {
  const failures = JSON.parse(history ?? '[]') as { attempt: number; at: number; error: string }[]
  return failures.map(({ at, ...failure }) => ({ ...failure, at: new Date(at) }))
}

function toLent({ id, body, meta, key, attempt, sentMs, token }: ClaimedRow): LentRow {
  return { id, body, meta, key, attempt: Number(attempt), sentAt: new Date(Number(sentMs)), token }
}

/** A simple query's values are all text. */
const plainTypes = { getTypeParser: () => (value: string) => value } as unknown as CustomTypesConfig

/** What an update returns has no order. */
function isBefore(a: ClaimedRow, b: ClaimedRow): number {
  return Number(a.rank) - Number(b.rank) || Number(a.seq) - Number(b.seq)
}

function parseSettlement(row: SettlementRow) {
  return { ...row, ...parseToken(row.token) }
}

/** Beyond what all PostgreSQL drivers share: transactions that cannot go side by side, and locks waited for in vain. */
export function codeOf(error: unknown): Code | undefined {
  const code = (error as { code?: string } | null | undefined)?.code
  if (code === '40001' || code === '40P01') return 'conflict'
  return code === '55P03' ? 'timeout' : undefined
}
