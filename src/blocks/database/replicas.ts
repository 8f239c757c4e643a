import { orAfter } from '../../deadline.ts'
import { compareLsn, isLsn, type WrittenUpTo } from '../../postgres/consistency.ts'
import { PrimaryHistory } from './lag.ts'
import type { Member, Report } from './member.ts'

/** Why a read went where it went. */
export type Reason =
  /** A replica that is fresh enough. */
  | 'fresh'
  /** No replica is within `maxLag`. */
  | 'behind'
  /** No replica can be reached. */
  | 'down'
  /** No replica has replayed yet what this request has written. */
  | 'written'
  /** There are no replicas. */
  | 'none'

export interface Choice {
  member: Member | undefined
  reason: Reason
}

const everyMs = 1_000
const restAfterMs = 10_000
const staleMs = 3_500
const firstLookMs = 500
const againMs = 20

/** Keeps an eye on the members of a cluster while they are read from, and chooses who serves a read. */
export class Replicas {
  readonly #members: readonly Member[]
  readonly #maxLagMs: number
  readonly #history = new PrimaryHistory()
  #timer: NodeJS.Timeout | undefined
  #usedAt = -Infinity
  #lookedAt = -Infinity
  #primary: Member | undefined
  /** The furthest position of the primary that this process knows of. */
  #end: string | undefined
  #noted: Report | undefined
  #looking: Promise<void> | undefined
  #turn = 0
  #closed = false

  constructor(members: readonly Member[], maxLagMs: number) {
    this.#members = members
    this.#maxLagMs = maxLagMs
  }

  /** This process has written up to here: a position that is not beyond it is no lie. */
  wrote(lsn: string): void {
    if (this.#end === undefined || compareLsn(lsn, this.#end) > 0) this.#end = lsn
  }

  /** Who serves a read of this request; `tried` are those that failed it already. */
  async choose(position: WrittenUpTo | undefined, tried: ReadonlySet<Member>): Promise<Choice> {
    if (this.#members.length === 0) return { member: undefined, reason: 'none' }
    await this.#inUse()
    const need = await this.#needOf(position)
    const up = this.#up().filter((member) => !tried.has(member))
    if (up.length === 0) return { member: undefined, reason: 'down' }
    const fresh = up.filter((member) => this.#lagOf(member) <= this.#maxLagMs)
    if (fresh.length === 0) return this.#lookSoon('behind')
    const able = fresh.filter(({ report }) => need === undefined || compareLsn(report!.lsn, need) >= 0)
    if (able.length === 0) return this.#lookSoon('written')
    return { member: this.#leastBusy(able), reason: 'fresh' }
  }

  /** Replicas that have answered lately, and are replicas of this primary. */
  #up(): Member[] {
    const now = performance.now()
    return this.#members.filter(
      ({ report }) => report?.replica && now - report.atMs < staleMs && this.#isOurs(report.cluster),
    )
  }

  #isOurs(cluster: string): boolean {
    const ours = this.#noted?.cluster ?? ''
    return ours === '' || cluster === '' || cluster === ours
  }

  #lagOf({ report }: Member): number {
    const { lsn, ageMs } = report!
    return this.#history.ageOf(lsn, performance.now(), 2 * everyMs) ?? ageMs ?? Infinity
  }

  /** Not the same one each time when all are equally busy. */
  #leastBusy(members: Member[]): Member {
    const start = this.#turn++ % members.length
    const inTurn = [...members.slice(start), ...members.slice(0, start)]
    return inTurn.reduce((best, each) => (each.load < best.load ? each : best))
  }

  /** The primary serves this one; the next one may find the replica further on. */
  #lookSoon(reason: Reason): Choice {
    if (performance.now() - this.#lookedAt > againMs) void this.#look()
    return { member: undefined, reason }
  }

  /**
   * The position that this request must see. One beyond the primary's own end is from a history that is no more (a
   * failover that lost it, a restored backup) or made up: it is forgotten, or it would keep its owner on the primary for ever.
   */
  async #needOf(position: WrittenUpTo | undefined): Promise<string | undefined> {
    const lsn = position?.lsn
    if (!position || lsn === undefined) return undefined
    if (!isLsn(lsn)) return (position.lsn = undefined)
    if (this.#isKnown(lsn) || !this.#primary) return lsn
    await orAfter(this.#primary.ask(), firstLookMs, () => undefined)
    this.#learn()
    if (this.#isKnown(lsn) || !this.#primary?.report) return lsn
    return (position.lsn = undefined)
  }

  #isKnown(lsn: string): boolean {
    return this.#end !== undefined && compareLsn(lsn, this.#end) <= 0
  }

  /** The first read after a while waits for a look around, but not long. */
  async #inUse(): Promise<void> {
    const now = performance.now()
    this.#usedAt = now
    if (this.#timer === undefined && !this.#closed) {
      this.#timer = setInterval(() => this.#tick(), everyMs)
      this.#timer.unref()
    }
    if (now - this.#lookedAt > staleMs)
      this.#looking = orAfter(this.#look(), firstLookMs, () => undefined).finally(() => (this.#looking = undefined))
    await this.#looking
  }

  #tick(): void {
    if (performance.now() - this.#usedAt < restAfterMs) return void this.#look()
    this.#stop()
    for (const member of this.#members) member.rest()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now()
    await Promise.all(this.#members.map((member) => member.ask().then(() => this.#learn())))
  }

  /** Takes note of where the primary is, and whether it is another one now. */
  #learn(): void {
    const primary = this.#members.find(({ report }) => report && !report.replica)
    const report = primary?.report
    if (!report) return
    if (this.#primary !== primary) {
      this.#history.clear()
      this.#end = undefined
      this.#primary = primary
    }
    if (this.#noted === report) return
    this.#noted = report
    this.#history.add(report.atMs, report.lsn)
    this.wrote(report.end)
  }

  /** Replicas that answer, and how far the last of them is behind. */
  async stats(): Promise<{ replicas: number; lagMs: number; connections: number }> {
    if (this.#members.length === 0) return { replicas: 0, lagMs: 0, connections: 0 }
    if (performance.now() - this.#lookedAt > everyMs) await orAfter(this.#look(), firstLookMs, () => undefined)
    if (this.#timer === undefined) for (const member of this.#members) member.rest()
    const up = this.#up()
    const lags = up.map((member) => this.#lagOf(member)).filter(Number.isFinite)
    const connections = this.#members.reduce((sum, member) => sum + member.connections, 0)
    return { replicas: up.length, lagMs: Math.round(Math.max(0, ...lags)), connections }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stop()
    await Promise.all(this.#members.map((member) => member.close()))
  }
}
