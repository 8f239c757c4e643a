import type { IncomingMessage, ServerResponse } from 'node:http'

const phrases: Record<number, string> = {
  400: 'The request is malformed.',
  401: 'Log in first.',
  403: 'You may not do this.',
  404: 'There is nothing here.',
  405: 'This method is not allowed here.',
  413: 'The request body is too large.',
  416: 'The range cannot be met.',
  429: 'Too many requests; try again later.',
  501: 'This transfer coding is not known here.',
  502: 'The service behind did not answer properly.',
  503: 'The service is not available right now; try again in a moment.',
  504: 'The service behind took too long.',
}

const lingerMs = 2_000

/** A short plain answer of the edge itself. Once a head is out, the connection is cut instead: half an answer must look like one. */
export function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy()
  const text = Buffer.from(`${phrases[status] ?? 'It did not work.'}\n`)
  if (isSending(response.req)) response.shouldKeepAlive = false
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': text.byteLength,
    'cache-control': 'no-store',
    ...headers,
  })
  finish(response, text)
}

/**
 * Ends an answer. While the client still sends its body, that is read and dropped, for 2 s at the most: a connection that is
 * closed with bytes unread is reset, and the client loses the answer with it.
 */
export function finish(response: ServerResponse, rest?: Buffer): void {
  const incoming = response.req
  if (!isSending(incoming)) return void (rest ? response.end(rest) : response.end())
  if (rest && incoming.method !== 'HEAD') response.write(rest)
  else response.flushHeaders()
  const end = () => (clearTimeout(limit), response.end())
  const limit = setTimeout(end, lingerMs)
  incoming.once('close', end).once('end', end)
  incoming.unpipe()
  incoming.resume()
}

function isSending(incoming: IncomingMessage): boolean {
  return hasBody(incoming) && !incoming.readableEnded && !incoming.destroyed
}

/** Whether the request may have a body (RFC 9112 §6.3). */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

/** Methods that change nothing (RFC 9110 §9.2.1): only these are sent again to another instance. */
export function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
