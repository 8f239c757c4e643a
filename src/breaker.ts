import { withinMs } from './deadline.ts'
import { AshlarError } from './errors.ts'

/** When a `Breaker` spares its engine, and for how long. */
export interface BreakerOptions {
  /** Longest wait for one answer of the engine. */
  deadlineMs: number
  /** Failures in a row until the engine is spared. Default 3. */
  failures?: number
  /** First pause; it doubles with each failed probe up to `maxPauseMs`. Default 250. */
  pauseMs?: number
  /** Longest pause. Default 5000. */
  maxPauseMs?: number
}

/** After so long a probe without an answer counts as lost and another may go. */
const lostProbeMs = 30_000

/**
 * Asks an engine with a deadline. After some failures in a row it stops asking, so that callers are answered at once and nothing
 * piles up behind a dead engine; after a pause one call at a time goes through as a probe, and the first answer ends it.
 */
export class Breaker {
  readonly #options: Required<BreakerOptions>
  #failed = 0
  #retryAt = 0
  #probeSince: number | undefined

  constructor(options: BreakerOptions) {
    this.#options = { failures: 3, pauseMs: 250, maxPauseMs: 5000, ...options }
  }

  /** True while the engine is spared. */
  get open(): boolean {
    return this.#failed >= this.#options.failures
  }

  /**
   * @param counts says whether an error tells of the engine rather than of this one call. Default: all do
   * @param deadlineMs of this call. Default: the breaker's
   * @throws `timeout` after the deadline, `unavailable` while it is open, else what `work` throws
   */
  async ask<T>(
    work: () => Promise<T>,
    counts: (error: unknown) => boolean = () => true,
    deadlineMs = this.#options.deadlineMs,
  ): Promise<T> {
    const probing = this.open
    if (probing) this.#enterProbe()
    const answer = work()
    if (probing) this.#leaveProbeAfter(answer)
    try {
      const result = await withinMs(answer, deadlineMs)
      this.#failed = 0
      return result
    } catch (error) {
      if (counts(error)) this.#noteFailure()
      else this.#failed = 0
      throw error
    }
  }

  #enterProbe(): void {
    const now = performance.now()
    const busy = this.#probeSince !== undefined && now - this.#probeSince < lostProbeMs
    if (busy || now < this.#retryAt)
      throw new AshlarError('unavailable', `the engine failed ${this.#failed} times in a row and is not asked now`)
    this.#probeSince = now
  }

  /** A probe ends when the engine does with it, not with the caller's deadline: else they would pile up. */
  #leaveProbeAfter(answer: Promise<unknown>): void {
    const since = this.#probeSince
    const leave = () => void (this.#probeSince === since && (this.#probeSince = undefined))
    answer.then(leave, leave)
  }

  #noteFailure(): void {
    const { failures, pauseMs, maxPauseMs } = this.#options
    this.#failed++
    const pause = Math.min(maxPauseMs, pauseMs * 2 ** Math.min(10, Math.max(0, this.#failed - failures)))
    this.#retryAt = performance.now() + pause
  }
}
