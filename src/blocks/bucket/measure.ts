import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Putting } from './driver.ts'
import { BucketFault } from './fault.ts'

/** Passes a body on while counting and hashing it. What breaks a limit throws, so nothing of it is stored. */
export class Measure {
  size = 0
  readonly #md5 = createHash('md5')
  readonly #sha256: Hash | undefined
  readonly #limits: Pick<Putting, 'size' | 'maxBytes' | 'sha256'>
  #etag = ''

  constructor(limits: Pick<Putting, 'size' | 'maxBytes' | 'sha256'>) {
    this.#limits = limits
    this.#sha256 = limits.sha256 === undefined ? undefined : createHash('sha256')
    this.#refuseAbove(limits.size ?? 0)
  }

  async *of(body: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.size += chunk.length
      this.#refuseAbove(this.size)
      this.#md5.update(chunk)
      this.#sha256?.update(chunk)
      yield chunk
    }
    this.#finish()
  }

  /** Quoted MD5 of the whole body, as S3 has it for what came in one piece. Only after the end. */
  get etag(): string {
    return this.#etag
  }

  #refuseAbove(size: number): void {
    const { maxBytes } = this.#limits
    if (size > maxBytes) throw new BucketFault('too_large', `the body is larger than the ${maxBytes} bytes allowed`)
  }

  #finish(): void {
    const { size, sha256 } = this.#limits
    if (size !== undefined && size !== this.size)
      throw new BucketFault('wrong_size', `the body has ${this.size} bytes, ${size} were announced`)
    if (sha256 !== undefined && this.#sha256!.digest('base64') !== sha256)
      throw new BucketFault('wrong_checksum', 'the body does not have the SHA-256 that was announced')
    this.#etag = `"${this.#md5.digest('hex')}"`
  }
}
