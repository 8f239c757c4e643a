import { wrap } from '../../block.ts'
import type { Code } from '../../errors.ts'
import { Operations } from '../../lease/operations.ts'

/** Calls of a driver: what it throws is wrapped, once. */
export class Asking {
  readonly #operations: Operations
  readonly #of: { block: string; driver: string }
  readonly #codeOf: (error: unknown) => Code | undefined

  constructor(block: string, driver: string, codeOf: (error: unknown) => Code | undefined) {
    this.#operations = new Operations('stream', block, driver, codeOf)
    this.#of = { block, driver }
    this.#codeOf = codeOf
  }

  get driver(): string {
    return this.#of.driver
  }

  /** A call that is measured. */
  run<R>(operation: string, doing: string, work: () => Promise<R>): Promise<R> {
    return this.#operations.run(operation, doing, work)
  }

  /** A call that is not, because most of it may be waiting. */
  async wait<R>(doing: string, work: () => Promise<R>): Promise<R> {
    try {
      return await work()
    } catch (error) {
      throw wrap(error, { ...this.#of, doing }, this.#codeOf)
    }
  }
}
