import { Readable } from 'node:stream'
import { invalid } from '../../errors.ts'

export interface Watching {
  idleMs: number
  /** What the stream fails with when it stood still. */
  onIdle(): Error
  /** Gives the source's own error another form. */
  onError?(error: Error): Error
}

/**
 * Bytes of another stream, given up with an error when for `idleMs` nobody reads or nothing comes: a body that a caller
 * dropped must not hold a file or a connection for ever. An error that nobody listens to does not end the process.
 */
export class IdleBody extends Readable {
  /** The error with which the source ended, if it did. */
  sourceError: Error | undefined
  readonly #source: Readable
  readonly #chunks: AsyncIterator<unknown>
  readonly #timer: NodeJS.Timeout
  readonly #onError: (error: Error) => Error

  constructor(source: Readable, { idleMs, onIdle, onError = (error) => error }: Watching) {
    super()
    this.#source = source
    this.#onError = onError
    this.#chunks = source[Symbol.asyncIterator]()
    this.#timer = setTimeout(() => this.destroy(onIdle()), idleMs)
    this.#timer.unref()
    source.on('error', (error) => this.#broke(error))
    this.on('error', () => {})
  }

  override _read(): void {
    this.#timer.refresh()
    this.#pull().catch((error: Error) => this.#broke(error))
  }

  async #pull(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#chunks.next()
      if (this.destroyed) return
      this.#timer.refresh()
      const bytes = done ? null : toBuffer(value)
      if (bytes?.length === 0) continue
      this.push(bytes)
      return
    }
  }

  #broke(error: Error): void {
    if (this.destroyed) return
    this.sourceError = error
    this.destroy(this.#onError(error))
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#source.destroy()
    done(error)
  }
}

function toBuffer(chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  throw invalid(`a body is made of bytes or text; it gave a chunk of type ${chunk === null ? 'null' : typeof chunk}`)
}
