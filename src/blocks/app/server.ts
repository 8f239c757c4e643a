import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { drainServer } from '../../drain.ts'
import { AshlarError, describe, isAshlarError } from '../../errors.ts'
import type { Log } from '../../block.ts'
import { isLsn, readingOwnWrites, type WrittenUpTo } from '../../postgres/consistency.ts'
import { observed, withTrace, type Operation } from '../../telemetry.ts'
import type { FetchHandler } from './app.ts'

/** Answers 200 while this instance takes requests and 503 once it drains. Asked by the edge. */
export const healthPath = '/.well-known/ashlar/health'

/** Carries how far a client's writes have got, so that its next reads see them. */
const positionCookie = 'ashlar_rw'
const positionMaxAgeSeconds = 60

// Longer than the edge keeps its idle connections, or the edge would now and then write into a closing one.
const keepAliveMs = 75_000

export interface ServeOptions {
  maxBodyBytes: number
  timeoutMs: number
  of: Operation
  log: Log
}

/** One HTTP server around a fetch handler: limits, read-your-writes, spans, and a drain that finishes what is under way. */
export class AppServer {
  readonly server: Server
  #draining = false
  readonly #handler: FetchHandler
  readonly #options: ServeOptions

  constructor(handler: FetchHandler, options: ServeOptions) {
    this.#handler = handler
    this.#options = options
    const listener = getRequestListener((request) => this.#answer(request), { overrideGlobalObjects: false })
    this.server = createServer(
      { keepAliveTimeout: keepAliveMs, headersTimeout: 20_000, requestTimeout: 300_000 },
      (incoming, outgoing) => {
        if (!this.#shortcut(incoming, outgoing)) void listener(incoming, outgoing)
      },
    )
  }

  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        const bound = this.server.address() as { port: number }
        resolve({ host, port: bound.port })
      })
    })
  }

  /** From now on the health path says 503 and every answer closes its connection. */
  startDraining(): void {
    this.#draining = true
  }

  async drain(limitMs: number): Promise<void> {
    this.startDraining()
    await drainServer(this.server, limitMs)
  }

  #shortcut(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    if (this.#draining) outgoing.shouldKeepAlive = false
    if (incoming.url === healthPath)
      return reply(outgoing, this.#draining ? 503 : 200, this.#draining ? 'draining' : 'ok')
    if (Number(incoming.headers['content-length'] ?? 0) <= this.#options.maxBodyBytes) return false
    outgoing.shouldKeepAlive = false
    return reply(outgoing, 413, `the body is larger than ${this.#options.maxBodyBytes} bytes\n`)
  }

  async #answer(request: Request): Promise<Response> {
    const position: WrittenUpTo = { lsn: positionOf(request) }
    const before = position.lsn
    const response = await withTrace(Object.fromEntries(request.headers), () =>
      observed(this.#options.of, () => readingOwnWrites(position, () => this.#handle(request)), {
        'http.request.method': request.method,
        'url.path': pathOf(request),
      }),
    )
    return position.lsn !== before && position.lsn ? withCookie(response, position.lsn) : response
  }

  async #handle(request: Request): Promise<Response> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Response>((resolve) => {
      timer = setTimeout(
        () => resolve(new Response('the service took too long\n', { status: 503 })),
        this.#options.timeoutMs,
      )
    })
    try {
      return await Promise.race([this.#handler.fetch(limited(request, this.#options.maxBodyBytes)), late])
    } catch (error) {
      return this.#failed(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(error: unknown): Response {
    if (isAshlarError(error, 'exhausted') && error.message.startsWith('request body'))
      return new Response(error.message, { status: 413 })
    this.#options.log.error(
      { error: describe(error), stack: error instanceof Error ? error.stack : undefined },
      'request failed',
    )
    return new Response('something went wrong\n', { status: 500 })
  }
}

function reply(outgoing: ServerResponse, status: number, text: string): true {
  outgoing.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(text)
  return true
}

/** The request with its body counted: one without a length must not grow past the limit either. */
function limited(request: Request, maxBytes: number): Request {
  if (!request.body || request.headers.has('content-length')) return request
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new AshlarError('exhausted', `request body is larger than ${maxBytes} bytes`)
      controller.enqueue(chunk)
    },
  })
  // By parts: the request of @hono/node-server is none of the platform's own class, which will not copy it.
  const { url, method, headers, signal } = request
  return new Request(url, { method, headers, signal, body: request.body.pipeThrough(counter), duplex: 'half' })
}

function positionOf(request: Request): string | undefined {
  const value = new RegExp(`(?:^|; *)${positionCookie}=([^;]*)`).exec(request.headers.get('cookie') ?? '')?.[1]
  return value && isLsn(value) ? value : undefined
}

function withCookie(response: Response, lsn: string): Response {
  const copy = new Response(response.body, response)
  copy.headers.append(
    'set-cookie',
    `${positionCookie}=${lsn}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${positionMaxAgeSeconds}`,
  )
  return copy
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname
}
