import { setTimeout as sleep } from 'node:timers/promises'

/** Hints that there may be work, for those of this process who wait for some. */
export class Hints {
  #waiting = new Set<() => void>()
  #hints = 0

  /** Hints so far. Read it before looking for work, so that `wait` misses none that comes while looking. */
  get hints(): number {
    return this.#hints
  }

  /** Returns at a hint later than `since`, after `ms`, or when the signal aborts, whichever is first. */
  async wait(ms: number, signal: AbortSignal, since: number): Promise<void> {
    if (this.#hints !== since) return
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.#waiting.add(wake)
    await sleep(ms, undefined, { signal: AbortSignal.any([woken.signal, signal]) }).catch(() => undefined)
    this.#waiting.delete(wake)
  }

  /** Wakes those who wait in this process. */
  wake(): void {
    this.#hints++
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }
}
