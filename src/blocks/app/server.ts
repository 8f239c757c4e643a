import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { drainServer } from '../../drain.ts'
import type { Log } from '../../block.ts'
import { readingOwnWrites, type WrittenUpTo } from '../../postgres/consistency.ts'
import { observed, withTrace, type Operation } from '../../telemetry.ts'
import type { FetchHandler } from './app.ts'
import { Connected } from './connected.ts'
import { discreet } from './discreet.ts'
import { handle } from './handling.ts'
import { positionOf, withPosition } from './position.ts'

/** Answers 200 while this instance takes requests and 503 once it drains. Asked by the edge. */
export const healthPath = '/.well-known/ashlar/health'

// Longer than the edge keeps its idle connections, or the edge would now and then write into a closing one.
const keepAliveMs = 75_000
// How long those who hold an idle connection have to hear that this instance has left discovery.
const leaveMs = 1_000

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
  readonly #connected: Connected
  readonly #handler: FetchHandler
  readonly #options: ServeOptions

  constructor(handler: FetchHandler, options: ServeOptions) {
    this.#handler = handler
    this.#options = options
    const listener = getRequestListener(async (request) => discreet(await this.#answer(request), options.log), {
      overrideGlobalObjects: false,
    })
    this.server = createServer(
      { keepAliveTimeout: keepAliveMs, headersTimeout: 20_000, requestTimeout: 300_000 },
      (incoming, outgoing) => {
        if (!this.#shortcut(incoming, outgoing)) void listener(incoming, outgoing)
      },
    )
    this.#connected = new Connected(this.server)
  }

  /** From now on the health path says 503 and every answer closes its connection, also those under way. */
  startDraining(): void {
    this.#draining = true
    this.#connected.closeAfterAnswers()
  }

  /** Waits a moment for others to let go of their idle connections, then closes what is idle and finishes what is under way. */
  async drain(limitMs: number): Promise<void> {
    this.startDraining()
    const started = performance.now()
    await this.#connected.noneIdle(Math.min(leaveMs, limitMs))
    await drainServer(this.server, Math.max(0, limitMs - (performance.now() - started)))
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
      observed(
        this.#options.of,
        () => readingOwnWrites(position, () => handle(this.#handler, request, this.#options)),
        { 'http.request.method': request.method, 'url.path': new URL(request.url).pathname },
      ),
    )
    if (position.lsn === before || !position.lsn) return response
    return withPosition(response, position.lsn, request.headers.get('x-forwarded-proto') === 'https')
  }
}

function reply(outgoing: ServerResponse, status: number, text: string): true {
  outgoing.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(text)
  return true
}
