import type { Wake } from '../../../postgres/wake.ts'

interface Waiter {
  partition: number
  offset: number
  settle(isThere: boolean): void
  fail(error: unknown): void
}

/**
 * Readers at the end of the log wait here. However many they are, one question goes to the database at each hint, and one
 * now and then without any.
 */
export class Tail {
  readonly #ends: (partitions: number[]) => Promise<Map<number, number>>
  readonly #wake: Wake
  readonly #pollMs: number
  readonly #waiters = new Set<Waiter>()
  readonly #closing = new AbortController()
  #watching: Promise<void> | undefined

  /** @param ends answers the next offset to be written of each partition asked for */
  constructor(ends: (partitions: number[]) => Promise<Map<number, number>>, wake: Wake, pollMs: number) {
    this.#ends = ends
    this.#wake = wake
    this.#pollMs = pollMs
  }

  get hints(): number {
    return this.#wake.hints
  }

  /**
   * Waits until there is a record at or after an offset, at most `ms`. Answers whether there is.
   * @param since the hints before the reader looked: one that came meanwhile counts
   * @throws what the database throws
   */
  async wait(partition: number, offset: number, ms: number, signal: AbortSignal, since: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const stop = () => resolve(false)
    const either = AbortSignal.any([signal, this.#closing.signal])
    if (either.aborted) return false
    either.addEventListener('abort', stop, { once: true })
    const timer = setTimeout(stop, ms)
    const waiter = { partition, offset, settle: resolve, fail: reject }
    this.#waiters.add(waiter)
    void this.#wake.listen().then((isNew) => isNew && this.#wake.wake())
    if (this.#wake.hints !== since) this.#wake.wake()
    this.#watching ??= this.#watch(since)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
      if (this.#waiters.size === 0) this.#wake.wake()
    }
  }

  async #watch(since: number): Promise<void> {
    while (this.#waiters.size > 0) {
      await this.#wake.wait(this.#pollMs, this.#closing.signal, since)
      since = this.#wake.hints
      if (this.#waiters.size > 0) await this.#look()
    }
    this.#watching = undefined // in the same turn as the last look at the waiters: the next one begins anew
  }

  async #look(): Promise<void> {
    const asked = [...this.#waiters]
    try {
      const ends = await this.#ends([...new Set(asked.map(({ partition }) => partition))])
      for (const { partition, offset, settle } of asked) if (ends.get(partition)! > offset) settle(true)
    } catch (error) {
      for (const { fail } of asked) fail(error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#watching
  }
}
