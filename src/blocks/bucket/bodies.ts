import type { Readable } from 'node:stream'
import { AshlarError } from '../../errors.ts'
import { toReadable } from './body.ts'
import type { Body } from './bucket.ts'
import { IdleBody } from './idle.ts'
import type { Operations } from './operations.ts'

/** The streams of a bucket that are open now, in and out. None stands still for ever; all end when the bucket closes. */
export class Bodies {
  readonly #open = new Set<Readable>()
  readonly #operations: Operations
  readonly #idleMs: number

  constructor(operations: Operations, idleMs: number) {
    this.#operations = operations
    this.#idleMs = idleMs
  }

  /** Gives the driver a body to read; when that fails, so does the body, and a body's own failure is told as such. */
  async send<T>(body: Body, signal: AbortSignal | undefined, work: (bytes: Readable) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const bytes = this.#watch(toReadable(body), 'no byte of the body came, or was taken,')
    const abort = () => bytes.destroy(this.#reasonOf(signal!))
    signal?.addEventListener('abort', abort)
    try {
      return await work(bytes)
    } catch (error) {
      if (error !== bytes.sourceError || error instanceof AshlarError) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw this.#operations.error('canceled', `the body failed, nothing is stored: ${message}`, error)
    } finally {
      signal?.removeEventListener('abort', abort)
      bytes.destroy()
    }
  }

  /** A body from the driver, for the caller. */
  receive(body: Readable, key: string): Readable {
    const onError = (error: Error) => this.#operations.coded('reading', error)
    return this.#watch(body, `the body of ${JSON.stringify(key)} was not read`, onError)
  }

  closeAll(): void {
    for (const body of this.#open) body.destroy(this.#operations.error('closed', 'the bucket was closed meanwhile'))
  }

  #watch(source: Readable, what: string, onError?: (error: Error) => Error): IdleBody {
    const onIdle = () =>
      this.#operations.error('timeout', `${what} for ${this.#idleMs} ms; read every body to its end, or destroy it`)
    const body = new IdleBody(source, { idleMs: this.#idleMs, onIdle, ...(onError && { onError }) })
    this.#open.add(body)
    body.once('close', () => this.#open.delete(body))
    return body
  }

  #reasonOf({ reason }: AbortSignal): Error {
    return reason instanceof Error ? reason : this.#operations.error('canceled', 'the signal was aborted', reason)
  }
}
