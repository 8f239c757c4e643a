import { count } from '../../telemetry.ts'

type Outcome = 'near' | 'shared' | 'joined' | 'miss'

/**
 * What a cache did since it opened. A hit of the near tier takes less time than writing a metric does, so the metrics are
 * written in lumps, when they are read.
 */
export class Tally {
  savedMs = 0
  stale = 0
  /** A moving mean: what a hit saves of which nobody knows how long its loader took. */
  loadMs = 0
  readonly #counts: Record<Outcome, number> = { near: 0, shared: 0, joined: 0, miss: 0 }
  readonly #told: Record<Outcome, number> = { near: 0, shared: 0, joined: 0, miss: 0 }
  readonly #labels: { block: string; driver: string }

  constructor(labels: { block: string; driver: string }) {
    this.#labels = labels
  }

  add(outcome: Outcome, savedMs: number): void {
    this.#counts[outcome]++
    this.savedMs += savedMs
  }

  loaded(ms: number): void {
    this.loadMs = this.loadMs === 0 ? ms : this.loadMs * 0.9 + ms * 0.1
  }

  get hits(): number {
    return this.#counts.near + this.#counts.shared + this.#counts.joined
  }

  get misses(): number {
    return this.#counts.miss
  }

  get hitRate(): number {
    const all = this.hits + this.misses
    return all === 0 ? 0 : this.hits / all
  }

  /** Brings the counters of `/metrics` up to date. */
  tell(): void {
    for (const outcome of Object.keys(this.#counts) as Outcome[]) {
      const more = this.#counts[outcome] - this.#told[outcome]
      this.#told[outcome] += more
      if (more > 0) count('ashlar_cache_gets_total', 'Gets of caches, by outcome', { ...this.#labels, outcome }, more)
    }
  }
}
