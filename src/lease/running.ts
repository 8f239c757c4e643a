import { AshlarError } from '../errors.ts'
import type { Lent } from './lease.ts'

/** A message whose handler runs, and how long we may believe that it is ours. */
export class Running<L extends Lent> {
  readonly lent: L
  readonly whenEnded: Promise<void>
  readonly #abort = new AbortController()
  #heldUntilMs: number
  #givenBack = false
  #end!: () => void

  constructor(lent: L, heldUntilMs: number) {
    this.lent = lent
    this.#heldUntilMs = heldUntilMs
    this.whenEnded = new Promise((resolve) => (this.#end = resolve))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get heldUntilMs(): number {
    return this.#heldUntilMs
  }

  get givenBack(): boolean {
    return this.#givenBack
  }

  holdUntil(ms: number): void {
    this.#heldUntilMs = ms
  }

  /** The lease has ended, or may end before we can tell: another worker may have the message now. */
  lose(): void {
    if (!this.signal.aborted) this.#abort.abort(new AshlarError('conflict', 'the lease of this message was lost'))
  }

  /** The worker stops and cannot wait any longer. */
  giveBack(): void {
    this.#givenBack = true
    if (!this.signal.aborted)
      this.#abort.abort(new AshlarError('closed', 'the worker stops; the message was given back'))
  }

  ended(): void {
    this.#end()
  }
}
