import { request as httpRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { count } from '../telemetry.ts'
import { endToEnd, type RawHeaders } from './headers.ts'
import { hasBody, isSafe, refuse } from './respond.ts'
import { agent, type Endpoint, type Upstream } from './upstream.ts'

// Answers up to this size are taken whole before the client sees the first byte, so that an instance that dies in the
// middle can be replaced by another without the client noticing.
const usuallyHeldBytes = 64 * 1024
const mostTries = 4

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

/** Why an attempt got no answer. */
class Failed extends Error {
  readonly status: number
  /** Nothing of the request had reached the instance. */
  readonly unsent: boolean

  constructor(status: number, unsent: boolean, cause?: unknown) {
    super(`upstream failed with ${status}`, { cause })
    this.status = status
    this.unsent = unsent
  }
}

/**
 * Sends a request to an instance and its answer to the client. A safe request, and any that had not been sent yet, goes
 * to another instance when one fails. The client leaving ends everything.
 */
export async function forward(exchange: Exchange): Promise<void> {
  const { incoming, response, upstream } = exchange
  const tried = new Set<string>()
  for (let tries = 0; tries < mostTries; tries++) {
    const endpoint = upstream.pick(tried)
    if (!endpoint) return refuse(response, tries === 0 ? 503 : 502, { 'retry-after': '1' })
    tried.add(endpoint.id)
    const failure = await attempt(exchange, endpoint)
    if (!failure || response.destroyed) return
    const again = failure.status === 502 && (failure.unsent || (isSafe(incoming.method) && !hasBody(incoming)))
    if (!again || response.headersSent) return refuse(response, failure.status)
    count('ashlar_edge_retries_total', 'Requests sent again to another instance', { upstream: upstream.name })
  }
  refuse(response, 502)
}

async function attempt(exchange: Exchange, endpoint: Endpoint): Promise<Failed | undefined> {
  endpoint.active++
  endpoint.requests++
  try {
    await once(exchange, endpoint)
    exchange.upstream.succeeded(endpoint)
    return undefined
  } catch (error) {
    const failure = error instanceof Failed ? error : new Failed(502, false, error)
    if (failure.status === 502 && !exchange.response.destroyed) exchange.upstream.failed(endpoint)
    return failure
  } finally {
    endpoint.active--
  }
}

function once(exchange: Exchange, { host, port }: Endpoint): Promise<void> {
  const { incoming, response, path, headers, timeoutMs } = exchange
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host, port, path, method: incoming.method, headers, agent, setHost: false })
    let unsent = true
    const late = setTimeout(() => fail(new Failed(504, false)), timeoutMs)
    const gone = () => void (response.writableFinished || sent.destroy())
    const done = () => {
      clearTimeout(late)
      response.off('close', gone)
    }
    const fail = (error: unknown) => {
      done()
      sent.destroy()
      reject(error instanceof Failed ? error : new Failed(502, unsent, error))
    }
    response.once('close', gone)
    sent.on('error', fail)
    const closed = () => fail(new Failed(502, unsent))
    sent.on('close', closed)
    sent.on('response', (answer) => {
      clearTimeout(late)
      sent.off('close', closed)
      passAnswer(exchange, answer).then(() => (done(), resolve()), fail)
    })
    whenConnected(sent, () => {
      unsent = false
      sendBody(exchange, sent, fail)
    })
  })
}

/** A body is touched only once the connection stands, so that it can still go elsewhere when it does not. */
function whenConnected(sent: ClientRequest, then: () => void): void {
  sent.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', then)
    else then()
  })
}

function sendBody({ incoming, maxBodyBytes }: Exchange, sent: ClientRequest, fail: (error: Failed) => void): void {
  if (!hasBody(incoming)) return void sent.end()
  let bytes = 0
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > maxBodyBytes) fail(new Failed(413, false))
  })
  incoming.on('error', () => sent.destroy())
  incoming.pipe(sent)
}

async function passAnswer(exchange: Exchange, answer: IncomingMessage): Promise<void> {
  const { response, incoming, onWhole } = exchange
  const headers = endToEnd(answer.rawHeaders, answer.headers.connection)
  const length = answer.headers['content-length']
  const holds = onWhole !== undefined || isSafe(incoming.method)
  if (
    !holds ||
    length === undefined ||
    Number(length) > (exchange.heldBytes ?? usuallyHeldBytes) ||
    incoming.method === 'HEAD'
  )
    return stream(response, answer, headers)
  const body = Buffer.concat(await answer.toArray())
  if (body.byteLength !== Number(length)) throw new Failed(502, false)
  onWhole?.(answer.statusCode ?? 502, answer, headers, body)
  response.writeHead(answer.statusCode ?? 502, headers).end(body)
}

/** Passes an answer on as it comes; reading stops while the client does not take it. */
function stream(response: ServerResponse, answer: IncomingMessage, headers: RawHeaders): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, headers)
  response.flushHeaders()
  return new Promise((resolve, reject) => {
    answer.on('error', reject)
    answer.on('aborted', () => reject(new Error('the answer ended early')))
    response.on('finish', resolve)
    response.on('close', resolve)
    answer.pipe(response)
  })
}
