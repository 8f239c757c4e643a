import { settledWithin } from '../deadline.ts'

const everyMs = 60_000
const closeMs = 1_000

/** Drops what is too old or too much, about once a minute. Several processes may do so: there is just less for each to do. */
export class Retaining {
  readonly #trim: () => Promise<unknown>
  #timer: NodeJS.Timeout | undefined
  #trimming: Promise<unknown> | undefined

  /** @param trim must not throw */
  constructor(trim: () => Promise<unknown>) {
    this.#trim = trim
  }

  begin(): void {
    this.#timer ??= setInterval(() => this.#turn(), everyMs * (0.75 + Math.random() / 2)).unref()
  }

  #turn(): void {
    this.#trimming ??= this.#trim().finally(() => (this.#trimming = undefined))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#trimming) await settledWithin(this.#trimming, closeMs)
  }
}
