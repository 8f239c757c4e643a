import type { Log } from '../../block.ts'
import { describe } from '../../errors.ts'
import { count } from '../../telemetry.ts'

/** What a cache tells of trouble: the engine's going and coming once each, the rest each time. No key ever stands in the log. */
export class Notes {
  degraded = 0
  readonly #log: Log
  readonly #of: { block: string; driver: string }
  #isAway = false

  constructor(log: Log, of: { block: string; driver: string }) {
    this.#log = log
    this.#of = of
  }

  away(error: unknown): void {
    this.degraded++
    if (this.#isAway) return
    this.#isAway = true
    this.#log.warn({ ...this.#of, error: describe(error) }, 'the shared cache does not answer: every get is a miss')
  }

  back(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#log.info(this.#of, 'the shared cache answers again')
  }

  renewalFailed(key: string, error: unknown): void {
    count('ashlar_cache_renewal_failures_total', 'Loaders that failed while a stale value was served', this.#of)
    this.#log.warn({ ...this.#of, keyLength: key.length, error: describe(error) }, 'a stale value could not be renewed')
  }

  oversize(key: string, bytes: number): void {
    count('ashlar_cache_oversize_total', 'Values that were too large to be kept', this.#of)
    this.#log.warn({ ...this.#of, keyLength: key.length, bytes }, 'a value is too large for the cache')
  }

  sweepFailed(error: unknown): void {
    this.#log.debug({ ...this.#of, error: describe(error) }, 'the cache could not be swept')
  }
}
