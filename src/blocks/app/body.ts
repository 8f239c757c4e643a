import { AshlarError } from '../../errors.ts'

/** A request whose body is counted while it is read. */
export interface Counted {
  request: Request
  /** Whether it grew past the limit, whatever the handler made of the error. */
  isOver(): boolean
}

/** A body without a length must not grow past the limit either: reading it then fails. One with a length was checked before. */
export function counted(request: Request, maxBytes: number): Counted {
  if (!request.body || request.headers.has('content-length')) return { request, isOver: () => false }
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new AshlarError('exhausted', `request body is larger than ${maxBytes} bytes`)
      controller.enqueue(chunk)
    },
  })
  const { url, method, headers, signal } = request
  const body = request.body.pipeThrough(counter)
  return {
    request: new Request(url, { method, headers, signal, body, duplex: 'half' }),
    isOver: () => bytes > maxBytes,
  }
}
