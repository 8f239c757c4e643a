import type { CustomTypesConfig } from 'pg'
import type { Code } from '../errors.ts'
import { claimText, deadText, extendText, nextDueText, redriveText, settleText, statsText } from './lease-text.ts'
import { inside, type Sql, type Transaction } from './sql.ts'
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
}

interface SettlementRow {
  token: string
  outcome: 'done' | 'retry' | 'release' | 'dead'
  delayMs?: number
  error?: string
}

/** Longest time between two looks when no notification comes; the next due message is waited for exactly. */
const pollMs = 5_000
const redriveBatch = 1_000
const dayMs = 86_400_000

/**
 * Leases on the rows of a table `ashlar.<prefix>_messages`: one column `at` is due time, end of lease and end of a retry's
 * wait; a lease is a number from a sequence, and it is the fence. See `lease-text.ts` for the shape of the tables.
 */
export class LeaseTable {
  readonly #sql: Sql
  readonly #text: {
    claim: string
    nextDue: string
    settle: string
    extend: string
    dead: string
    redrive: string
    stats: string
  }

  constructor(sql: Sql, prefix: string) {
    this.#sql = sql
    this.#text = {
      claim: claimText(prefix),
      nextDue: nextDueText(prefix),
      settle: settleText(prefix),
      extend: extendText(prefix),
      dead: deadText(prefix),
      redrive: redriveText(prefix),
      stats: statsText(prefix),
    }
  }

  async receive(
    lane: Lane,
    { max, leaseMs, waitMs, signal }: { max: number; leaseMs: number; waitMs: number; signal: AbortSignal },
  ): Promise<LentRow[]> {
    const end = performance.now() + waitMs
    while (!signal.aborted) {
      const { hints } = lane.wake
      const rows = await this.#claim(lane.id, max, leaseMs)
      const leftMs = end - performance.now()
      if (rows.length > 0 || leftMs <= 0) return rows
      if (await lane.wake.listen()) continue
      await lane.wake.wait(Math.min(leftMs, await this.#sleepMs(lane.id)), signal, hints)
    }
    return []
  }

  /** One simple query, so that the planner settings hold for this claim only; a bursty table's statistics mislead it. */
  async #claim(lane: number, max: number, leaseMs: number): Promise<LentRow[]> {
    const text = this.#text.claim
      .replaceAll('$lane', String(Math.trunc(lane)))
      .replaceAll('$max', String(Math.trunc(max)))
      .replaceAll('$leaseMs', String(Math.trunc(leaseMs)))
    const results = await this.#sql.withClient((client) => client.query({ text, types: plainTypes }))
    const { rows } = (results as unknown as { rows: ClaimedRow[] }[]).at(-1)!
    return rows.sort(isBefore).map(({ id, body, meta, key, attempt, sentMs, token }) => {
      return { id, body, meta, key, attempt: Number(attempt), sentAt: new Date(Number(sentMs)), token }
    })
  }

  async #sleepMs(lane: number): Promise<number> {
    const { rows } = await this.#sql.query<{ ms: number | null }>(this.#text.nextDue, [lane])
    return Math.max(5, Math.min(pollMs * (0.8 + Math.random() * 0.4), rows[0]?.ms ?? Infinity))
  }

  async settle(lane: Lane, settlements: readonly SettlementRow[], tx?: Transaction): Promise<boolean[]> {
    if (settlements.length === 0) return []
    const rows = settlements.map(parseSettlement)
    const { rows: held } = await inside(tx, this.#sql).query<{ seq: number }>(this.#text.settle, [
      lane.id,
      rows.map(({ seq }) => seq),
      rows.map(({ lease }) => lease),
      rows.map(({ outcome }) => outcome),
      rows.map(({ delayMs = 0 }) => Math.min(delayMs, 3650 * dayMs)),
      rows.map(({ error = '' }) => error.replaceAll('\0', '')),
    ])
    const released = settlements.some(({ outcome }) => outcome === 'release')
    const wake = () => (released ? lane.wake.notify() : lane.wake.wake())
    if (tx) tx.afterCommit(wake)
    else wake()
    const ours = new Set(held.map(({ seq }) => seq))
    return rows.map(({ seq }) => ours.has(seq))
  }

  async extend(lane: Lane, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    if (tokens.length === 0) return []
    const parsed = tokens.map(parseToken)
    const { rows } = await this.#sql.query<{ seq: number }>(this.#text.extend, [
      lane.id,
      parsed.map(({ seq }) => seq),
      parsed.map(({ lease }) => lease),
      leaseMs,
    ])
    const ours = new Set(rows.map(({ seq }) => seq))
    return parsed.map(({ seq }) => ours.has(seq))
  }

  async dead(lane: Lane, limit: number): Promise<BuriedRow[]> {
    const { rows } = await this.#sql.query<BuriedRow>(this.#text.dead, [lane.id, limit])
    return rows
  }

  /** In batches, and only those that died before it began, so that it ends though they may die again meanwhile. */
  async redrive(lane: Lane, ids: readonly string[] | 'all'): Promise<number> {
    const wanted = ids === 'all' ? null : [...new Set(ids.filter((id) => /^\d{1,18}$/.test(id)))]
    const { rows } = await this.#sql.query<{ now: string }>('select clock_timestamp()::text as now')
    let count = 0
    for (;;) {
      const { rowCount } = await this.#sql.query(this.#text.redrive, [lane.id, wanted, rows[0]!.now, redriveBatch])
      count += rowCount
      if (rowCount > 0) lane.wake.notify()
      if (rowCount < redriveBatch) return count
    }
  }

  async stats(
    lane: Lane,
  ): Promise<{ ready: number; delayed: number; leased: number; dead: number; oldestAgeMs: number }> {
    const { rows } = await this.#sql.query<{
      ready: number
      delayed: number
      leased: number
      dead: number
      oldestAgeMs: number
    }>(this.#text.stats, [lane.id])
    return rows[0]!
  }
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

/** `<lease>.<seq>`; what is no token of ours holds nothing. */
function parseToken(token: string): { lease: string; seq: number } {
  const match = /^(\d{1,18})\.(\d{1,15})$/.exec(token)
  return match ? { lease: match[1]!, seq: Number(match[2]) } : { lease: '-1', seq: -1 }
}

/** Beyond what all PostgreSQL drivers share: transactions that cannot go side by side, and locks waited for in vain. */
export function codeOf(error: unknown): Code | undefined {
  const code = (error as { code?: string } | null | undefined)?.code
  if (code === '40001' || code === '40P01') return 'conflict'
  return code === '55P03' ? 'timeout' : undefined
}
