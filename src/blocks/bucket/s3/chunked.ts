import { S3Error } from './error.ts'

const longestLine = 8192

export interface Trailer {
  name: string
  value: string
}

/** What checks the signature of each chunk, where the client signs them. */
export interface ChunkSigner {
  chunk(bytes: Uint8Array, signature: string | undefined): void
  trailer(text: string, signature: string | undefined): void
}

/**
 * Decodes `aws-chunked`:
 *
 *   body    = *( size-hex [";chunk-signature=" hex] CRLF bytes CRLF ) "0" [";chunk-signature=" hex] CRLF *trailer CRLF
 *   trailer = name ":" value CRLF [ "x-amz-trailer-signature:" hex CRLF ]
 *
 * A chunk is passed on piece by piece unless it is signed: then it is held until its signature is checked (16 MiB at most).
 */
export class ChunkedBody {
  readonly trailers: Trailer[] = []
  readonly #source: AsyncIterator<Uint8Array>
  readonly #signer: ChunkSigner | undefined
  #buffer: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>, signer?: ChunkSigner) {
    this.#source = source[Symbol.asyncIterator]()
    this.#signer = signer
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(await this.#line())
      if (!match) throw broken('a chunk has no valid size')
      const size = parseInt(match[1]!, 16)
      if (size === 0) return this.#end(match[2])
      yield* this.#signer ? this.#signed(this.#signer, size, match[2]) : this.#bytes(size)
      if ((await this.#line()) !== '') throw broken('a chunk is longer than its size')
    }
  }

  async #end(signature: string | undefined): Promise<void> {
    this.#signer?.chunk(Buffer.alloc(0), signature)
    let trailerSignature: string | undefined
    for (let line = await this.#line(); line !== ''; line = await this.#line()) {
      const match = /^([A-Za-z0-9-]{1,64}):[ \t]*(.*)$/.exec(line)
      if (!match || this.trailers.length > 8) throw broken('a trailer is malformed')
      const name = match[1]!.toLowerCase()
      if (name === 'x-amz-trailer-signature') trailerSignature = match[2]!
      else this.trailers.push({ name, value: match[2]!.trim() })
    }
    if (this.trailers.length > 0)
      this.#signer?.trailer(this.trailers.map(({ name, value }) => `${name}:${value}\n`).join(''), trailerSignature)
    await this.#drain()
  }

  /** Nothing may follow. Without it the connection would go on inside this body. */
  async #drain(): Promise<void> {
    if (this.#buffer.length > 0 || (await this.#more())) throw broken('bytes follow the last chunk')
  }

  async *#signed(signer: ChunkSigner, size: number, signature: string | undefined): AsyncGenerator<Buffer> {
    if (size > 16 * 1024 ** 2) throw broken('a signed chunk is larger than 16 MiB')
    const pieces: Buffer[] = []
    for await (const piece of this.#bytes(size)) pieces.push(piece)
    const whole = Buffer.concat(pieces)
    signer.chunk(whole, signature)
    yield whole
  }

  async *#bytes(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      if (this.#buffer.length === 0 && !(await this.#more())) throw broken('the body ends inside a chunk')
      const piece = this.#buffer.subarray(0, left)
      this.#buffer = this.#buffer.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.indexOf('\r\n')
      if (at >= 0) {
        const line = this.#buffer.toString('latin1', 0, at)
        this.#buffer = this.#buffer.subarray(at + 2)
        return line
      }
      if (this.#buffer.length > longestLine) throw broken('a line is too long')
      if (!(await this.#more())) throw broken('the body ends before its last chunk')
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#source.next()
    if (done) return false
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(value) : Buffer.concat([this.#buffer, value])
    return true
  }
}

function broken(what: string): S3Error {
  return new S3Error('IncompleteBody', `the aws-chunked body is broken: ${what}`)
}
