import { withinMs } from '../deadline.ts'

/** Most calls are answered within milliseconds; none may last longer. */
export const callMs = 12_000
/** One call of a driver, of however many calls of the engine it is made. */
export const wholeMs = 25_000

type Work<R> = (options: { abortSignal: AbortSignal }) => Promise<R>

/** Calls of one driver: each has a deadline, and all end when it is closed, except those that linger. */
export class Calls {
  readonly #closing = new AbortController()

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** @throws a `TimeoutError` after `limitMs`, else what the work throws */
  async run<R>(work: Work<R>, limitMs = callMs): Promise<R> {
    const deadline = AbortSignal.timeout(limitMs)
    const abortSignal = AbortSignal.any([deadline, this.#closing.signal])
    try {
      // The SDK does not look at the signal while it looks for credentials.
      return await withinMs(work({ abortSignal }), limitMs + 500)
    } catch (error) {
      throw deadline.aborted ? deadline.reason : error
    }
  }

  /** The same for a call that goes on after closing; it does not keep the process alive. */
  async linger<R>(work: Work<R>, limitMs = callMs): Promise<R> {
    const abortSignal = AbortSignal.timeout(limitMs)
    try {
      return await work({ abortSignal })
    } catch (error) {
      throw abortSignal.aborted ? abortSignal.reason : error
    }
  }

  close(): void {
    this.#closing.abort()
  }
}
