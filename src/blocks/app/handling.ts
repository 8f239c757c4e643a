import type { Log } from '../../block.ts'
import { orAfter } from '../../deadline.ts'
import { describe } from '../../errors.ts'
import type { FetchHandler } from './app.ts'
import { counted } from './body.ts'

export interface HandlingOptions {
  maxBodyBytes: number
  timeoutMs: number
  log: Log
}

/** Runs a fetch handler within its limits. Never rejects, and tells a client nothing of what went wrong inside. */
export async function handle(handler: FetchHandler, request: Request, options: HandlingOptions): Promise<Response> {
  const late = new AbortController()
  abortWith(request, late.signal)
  const { request: limited, isOver } = counted(request, options.maxBodyBytes)
  const answering = answerOf(handler, limited, options.log)
  const timely = await orAfter(answering, options.timeoutMs, () => undefined)
  if (isOver()) return discard(answering, text(413, `the body is larger than ${options.maxBodyBytes} bytes`))
  if (timely) return timely
  late.abort(new DOMException(`the request took longer than ${options.timeoutMs} ms`, 'TimeoutError'))
  return discard(answering, text(503, 'the service took too long'))
}

async function answerOf(handler: FetchHandler, request: Request, log: Log): Promise<Response> {
  try {
    const response: Response | undefined = await handler.fetch(request)
    if (response && response.status >= 200 && response.headers) return response
    log.error({ status: response?.status }, 'the handler returned no Response that can be sent')
  } catch (error) {
    if (!request.signal.aborted) log.error(account(error), 'request failed')
  }
  return text(500, 'something went wrong')
}

function account(error: unknown): object {
  return { error: describe(error), stack: error instanceof Error ? error.stack : undefined }
}

/** The handler's own answer comes too late, or does not count: nobody will read its body. */
function discard(answering: Promise<Response>, instead: Response): Response {
  void answering.then(({ body }) => body?.cancel()).catch(() => undefined)
  return instead
}

/** Makes `request.signal` abort when the client leaves (its own) or time is up; made only when somebody asks for it. */
function abortWith(request: Request, late: AbortSignal): void {
  let either: AbortSignal | undefined
  const get = () => (either ??= AbortSignal.any([Reflect.get(Object.getPrototypeOf(request), 'signal', request), late]))
  Object.defineProperty(request, 'signal', { get, configurable: true })
}

function text(status: number, message: string): Response {
  return new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
