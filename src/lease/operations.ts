import { wrap } from '../block.ts'
import type { Code } from '../errors.ts'
import { observed, type Operation } from '../telemetry.ts'

/** What a portable type does around each call of its driver: measure it, and wrap what the driver threw, once. */
export class Operations {
  readonly #of: Omit<Operation, 'operation'>
  readonly #codeOf: (error: unknown) => Code | undefined

  constructor(kind: string, block: string, driver: string, codeOf: (error: unknown) => Code | undefined) {
    this.#of = { kind, block, driver }
    this.#codeOf = codeOf
  }

  /** @param doing for the message: `<block>: <doing> failed: …` */
  run<R>(operation: string, doing: string, work: () => Promise<R>): Promise<R> {
    return observed({ ...this.#of, operation }, async () => {
      try {
        return await work()
      } catch (error) {
        throw wrap(error, { block: this.#of.block, driver: this.#of.driver, doing }, this.#codeOf)
      }
    })
  }
}
