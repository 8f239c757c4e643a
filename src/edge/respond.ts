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
  502: 'The service behind did not answer properly.',
  503: 'The service is not available right now; try again in a moment.',
  504: 'The service behind took too long.',
}

/** A short plain answer of the edge itself. Once a head is out, the connection is cut instead: half an answer must look like one. */
export function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers })
  response.end(`${phrases[status] ?? 'It did not work.'}\n`)
}

/** Whether the request may have a body (RFC 9112 §6.3). */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

/** Methods that change nothing (RFC 9110 §9.2.1): only these are sent again to another instance. */
export function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
