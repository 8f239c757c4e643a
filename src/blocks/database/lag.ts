import { compareLsn } from '../../postgres/consistency.ts'

interface Sample {
  atMs: number
  lsn: string
}

const maxSamples = 700

/**
 * How old a replica is, told by where the primary was at which time on this process's own clock: no clock of another
 * machine is asked, and a replica that lost its primary cannot pass for a fresh one.
 */
export class PrimaryHistory {
  #samples: Sample[] = []

  /** The primary was at this position when asked at `atMs` (or later). */
  add(atMs: number, lsn: string): void {
    const last = this.#samples.at(-1)
    if (last && compareLsn(lsn, last.lsn) < 0) this.#samples = [] // another history: a failover, or a restored backup
    this.#samples.push({ atMs, lsn })
    if (this.#samples.length > maxSamples) this.#samples.shift()
  }

  clear(): void {
    this.#samples = []
  }

  /**
   * Age in ms of what a replica shows that has replayed up to `lsn`; `undefined` when that is further back than is known.
   * 0 when it had replayed all that the last look at the primary saw, unless that look is older than `graceMs`.
   */
  ageOf(lsn: string, nowMs: number, graceMs: number): number | undefined {
    const index = this.#samples.findLastIndex((sample) => compareLsn(sample.lsn, lsn) <= 0)
    const sample = this.#samples[index]
    if (!sample) return undefined
    const age = nowMs - sample.atMs
    return index === this.#samples.length - 1 ? Math.max(0, age - graceMs) : age
  }
}
