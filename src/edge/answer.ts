import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'
import { endToEnd, type RawHeaders } from './headers.ts'
import { finish, isSafe } from './respond.ts'

// Answers up to this size are taken whole before the client sees the first byte, so that an instance that dies in the
// middle can be replaced by another without the client noticing.
const usuallyHeldBytes = 64 * 1024

/** Sends an instance's answer on to the client. `begun` is called when bytes start to flow. @throws when the instance cuts it short */
export async function passAnswer(exchange: Exchange, answer: IncomingMessage, begun: () => void): Promise<void> {
  const { response, incoming } = exchange
  const headers = endToEnd(answer.rawHeaders, answer.headers.connection)
  // What of the request the instance did not want is not worth a connection that is kept.
  if (!incoming.complete) response.shouldKeepAlive = false
  if (isHeld(exchange, answer)) return sendWhole(exchange, answer, headers)
  begun()
  return stream(response, answer, headers)
}

function isHeld({ incoming, heldBytes, onWhole }: Exchange, { headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  if (length === undefined || incoming.method === 'HEAD') return false
  return (onWhole !== undefined || isSafe(incoming.method)) && Number(length) <= (heldBytes ?? usuallyHeldBytes)
}

async function sendWhole({ response, onWhole }: Exchange, answer: IncomingMessage, headers: RawHeaders): Promise<void> {
  const body = Buffer.concat(await answer.toArray())
  const status = answer.statusCode ?? 502
  onWhole?.(status, answer, headers, body)
  response.writeHead(status, headers)
  finish(response, body)
}

/** Passes an answer on as it comes; reading stops while the client does not take it. */
function stream(response: ServerResponse, answer: IncomingMessage, headers: RawHeaders): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, headers)
  response.flushHeaders()
  return new Promise((resolve, reject) => {
    answer.on('error', reject)
    response.on('finish', resolve)
    response.on('close', resolve)
    answer.on('end', () => finish(response))
    answer.pipe(response, { end: false })
  })
}
