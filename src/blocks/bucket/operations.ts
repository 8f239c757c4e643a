import { setTimeout as delay } from 'node:timers/promises'
import { wrap } from '../../block.ts'
import { settledWithin } from '../../deadline.ts'
import { AshlarError, type Code } from '../../errors.ts'
import { observed } from '../../telemetry.ts'

const attempts = 3

/** What surrounds every operation: refused when closed, measured, its error coded once, counted as under way until it ends. */
export class Operations {
  readonly #block: string
  readonly #driver: string
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(of: { name: string; scheme: string; codeOf(error: unknown): Code | undefined }) {
    this.#block = of.name
    this.#driver = of.scheme
    this.#codeOf = (error) => of.codeOf(error)
  }

  get closed(): boolean {
    return this.#closed
  }

  async run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.error('closed', `${operation} after close; open the bucket again`)
    const of = { kind: 'bucket', block: this.#block, driver: this.#driver, operation }
    const running = observed(of, () => this.#coded(operation, work))
    this.#running.add(running)
    return running.finally(() => this.#running.delete(running))
  }

  /** For work that may be done twice: up to 3 times while the engine is away, within about a second. */
  again<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.run(operation, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await work()
        } catch (error) {
          if (attempt === attempts || this.#closed || !this.coded(operation, error).retryable) throw error
        }
        await delay(50 * 4 ** (attempt - 1) * (0.5 + Math.random()))
      }
    })
  }

  coded(doing: string, error: unknown): AshlarError {
    return wrap(error, { block: this.#block, driver: this.#driver, doing }, this.#codeOf)
  }

  error(code: Code, message: string, cause?: unknown): AshlarError {
    return new AshlarError(code, `${this.#block}: ${message}`, {
      block: this.#block,
      driver: this.#driver,
      ...(cause === undefined ? {} : { cause }),
    })
  }

  /** Refuses new work and waits for what is under way, so long at most. */
  async close(limitMs: number): Promise<void> {
    this.#closed = true
    await settledWithin(Promise.allSettled(this.#running), limitMs)
  }

  async #coded<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.coded(operation, error)
    }
  }
}
