import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RawHeaders } from './headers.ts'
import type { Upstream } from './upstream.ts'

/** One request of a client, on its way to an instance and back. */
export interface Exchange {
  incoming: IncomingMessage
  response: ServerResponse
  upstream: Upstream
  path: string
  headers: RawHeaders
  timeoutMs: number
  maxBodyBytes: number
  /** Answers up to this size are held until they are whole. Default 64 KiB. */
  heldBytes: number | undefined
  /** Sees a whole answer that was held, before it is sent: the cache. */
  onWhole?(status: number, answer: IncomingMessage, headers: RawHeaders, body: Buffer): void
}
