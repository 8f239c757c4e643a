import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { invalid } from '../../errors.ts'
import type { Body } from './bucket.ts'

/** Any body as a stream. A body that is over already is refused here: reading it would never end. @throws its own error, `invalid_argument` */
export function toReadable(body: Body): Readable {
  if (typeof body === 'string' || body instanceof Uint8Array) return Readable.from([Buffer.from(body)])
  if (body instanceof Readable) return fresh(body)
  if (body instanceof Blob) return fromWeb(body.stream())
  if (body instanceof ReadableStream) return unlocked(body)
  if (body !== null && typeof body === 'object' && Symbol.asyncIterator in body) return Readable.from(body)
  throw invalid(
    `a body is a stream, a Blob, bytes, text or an async iterable; this one is ${body === null ? 'null' : typeof body}`,
  )
}

/** A body that can be sent once more after a failure. */
export function replayable(body: Body): boolean {
  return typeof body === 'string' || body instanceof Uint8Array || body instanceof Blob
}

function fresh(stream: Readable): Readable {
  if (stream.errored) throw stream.errored
  if (stream.destroyed || stream.readableEnded)
    throw invalid('the body is a stream that was already read or destroyed; pass a fresh one')
  if (stream.readableEncoding && !/^utf-?8$/i.test(stream.readableEncoding))
    throw invalid(`the body is a stream that decodes as ${stream.readableEncoding}; pass one of bytes`)
  return stream
}

function unlocked(stream: ReadableStream<Uint8Array>): Readable {
  if (stream.locked) throw invalid('the body is a ReadableStream that another reader holds; pass a fresh one')
  return fromWeb(stream)
}

function fromWeb(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(stream as NodeReadableStream)
}
