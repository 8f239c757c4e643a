import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What one client may take of the edge. */
export interface ListenerLimits {
  /** Until a head is whole. */
  headersMs: number
  /** Until a request is whole, with its body. */
  requestMs: number
  /** An idle connection is kept so long. */
  idleMs: number
  /** A client that takes nothing of its answer for so long is cut off. */
  stalledMs: number
  headBytes: number
  headFields: number
  connections: number
}

export const usualLimits: ListenerLimits = {
  headersMs: 20_000,
  requestMs: 300_000,
  idleMs: 65_000,
  stalledMs: 60_000,
  headBytes: 32 * 1024,
  headFields: 200,
  connections: 16_384,
}

type Answer = (incoming: IncomingMessage, response: ServerResponse) => void

/** The edge's HTTP/1.1 listener: parses strictly and bounds whatever a client can hold. */
export function createListener(answer: Answer, limits: ListenerLimits): Server {
  const answering = new WeakMap<Duplex, number>()
  const serve: Answer = (incoming, response) => {
    const { socket } = incoming
    answering.set(socket, (answering.get(socket) ?? 0) + 1)
    response.once('close', () => answering.set(socket, answering.get(socket)! - 1))
    answer(incoming, response)
  }
  const server = createServer(
    {
      keepAliveTimeout: limits.idleMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs),
      maxHeaderSize: limits.headBytes,
      insecureHTTPParser: false,
    },
    serve,
  )
  // One field more, so that too many can be told from just enough; the parser drops the rest without a word.
  server.maxHeadersCount = limits.headFields + 1
  server.maxConnections = limits.connections
  server.on('clientError', (error, socket) => refuseUnreadable(error, socket, (answering.get(socket) ?? 0) > 0))
  // The 100 is sent once an instance takes the body (attempt.ts): a body that is refused never travels.
  server.on('checkContinue', serve)
  server.on('connect', (_request, socket) => end(socket, '405 Method Not Allowed'))
  server.on('connection', (socket: Socket) => cutStalled(socket, limits.stalledMs))
  return server
}

const statusOf: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Where an answer is already on its way, a second status line would be read as part of it: the connection just ends. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex, answering: boolean): void {
  if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
  else if (answering) (socket as Socket).destroySoon()
  else end(socket, statusOf[error.code ?? ''] ?? '400 Bad Request')
}

function end(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

/** The socket's own timer sees every byte that the client takes; it runs only while some are waiting for it. */
function cutStalled(socket: Socket, limitMs: number): void {
  const looking = setInterval(
    () => {
      const waiting = socket.writableLength > 0
      if (waiting !== (socket.timeout === limitMs)) socket.setTimeout(waiting ? limitMs : 0)
    },
    Math.min(5_000, limitMs),
  )
  looking.unref()
  socket.on('timeout', () => socket.writableLength > 0 && socket.destroy())
  socket.on('close', () => clearInterval(looking))
}
