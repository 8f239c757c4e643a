import { setTimeout as sleep } from 'node:timers/promises'
import type { Subscriber } from './subscriber.ts'

/**
 * Hints that there is work: by this process at once, by others through what their scripts publish. They may get lost, so
 * whoever waits also looks by himself now and then.
 */
export class Wake {
  readonly #subscriber: Subscriber
  readonly #channel: string
  #waiting = new Set<() => void>()
  #leave: Promise<() => void> | undefined
  #hints = 0

  constructor(subscriber: Subscriber, channel: string) {
    this.#subscriber = subscriber
    this.#channel = channel
  }

  /** Listens from now on. */
  async listen(): Promise<void> {
    const wake = () => this.wake()
    this.#leave ??= this.#subscriber.listen(this.#channel, { onMessage: wake, onGap: wake })
    await this.#leave
  }

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

  async close(): Promise<void> {
    const leave = await this.#leave
    leave?.()
    this.wake()
  }
}
