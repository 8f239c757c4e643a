import { setTimeout as sleep } from 'node:timers/promises'
import type { Subscriber } from '../../redis/subscriber.ts'

/** Readers at the end of a partition wait here for a hint that something was appended to it. */
export class Tail {
  readonly #subscriber: Subscriber
  readonly #channel: string
  readonly #closing = new AbortController()
  readonly #waiting = new Map<number, Set<() => void>>()
  readonly #hints = new Map<number, number>()
  #gaps = 0
  #leave: Promise<() => void> | undefined

  constructor(subscriber: Subscriber, channel: string) {
    this.#subscriber = subscriber
    this.#channel = channel
  }

  /** Hears from now on. */
  async listen(): Promise<void> {
    this.#leave ??= this.#subscriber.listen(this.#channel, {
      onMessage: (text) => text.split(' ').forEach((partition) => this.hint(Number(partition))),
      onGap: () => this.#gap(),
    })
    await this.#leave
  }

  /** Hints so far. Read it before looking, so that `wait` misses none that comes while looking. */
  hints(partition: number): number {
    return (this.#hints.get(partition) ?? 0) + this.#gaps
  }

  hint(partition: number): void {
    this.#hints.set(partition, (this.#hints.get(partition) ?? 0) + 1)
    this.#wake(partition)
  }

  #gap(): void {
    this.#gaps++
    this.#waiting.forEach((_, partition) => this.#wake(partition))
  }

  #wake(partition: number): void {
    const waiting = this.#waiting.get(partition)
    this.#waiting.delete(partition)
    for (const wake of waiting ?? []) wake()
  }

  /** Returns at a hint later than `since`, after `ms`, when the signal aborts or this closes, whichever is first. */
  async wait(partition: number, ms: number, signal: AbortSignal, since: number): Promise<void> {
    if (this.hints(partition) !== since) return
    const woken = new AbortController()
    const wake = () => woken.abort()
    const waiting = this.#waiting.get(partition) ?? new Set()
    this.#waiting.set(partition, waiting.add(wake))
    const either = AbortSignal.any([woken.signal, signal, this.#closing.signal])
    await sleep(ms, undefined, { signal: either }).catch(() => undefined)
    waiting.delete(wake)
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const leave = await this.#leave
    leave?.()
  }
}
