import type { IncomingMessage } from 'node:http'

/** Fields of one connection only (RFC 9110 §7.6.1): never forwarded. `Expect` is answered by the edge itself. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Without these a message means something else: `Connection` may name them in vain. */
const essential = new Set(['host', 'content-length', 'content-encoding', 'cache-control', 'set-cookie'])

/** Fields by which a client could pretend to be known to us, however it spells them: always ours to set. */
const ours = /^(forwarded|x[-_]forwarded[-_].*|x[-_]real[-_]ip|x[-_]ashlar[-_].*|x[-_]request[-_]id|via)$/i

/** Written anew for the connection to the instance. */
const rewritten = new Set(['host', 'content-length', 'cookie'])

export type RawHeaders = string[]

/** Raw name/value pairs without hop-by-hop fields and those that `Connection` names. Repeated fields stay repeated. */
export function endToEnd(raw: readonly string[], connection: string | undefined): RawHeaders {
  const named = new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  return pairs(raw).flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    return hopByHop.has(lower) || (named.has(lower) && !essential.has(lower)) ? [] : [name, value]
  })
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!])
}

export interface Forwarding {
  clientAddress: string
  proto: 'http' | 'https'
  /** With its port. */
  host: string
  requestId: string
  /** Who the edge found the caller to be. */
  subject: string | undefined
  /** `traceparent` … of the edge's own span, in place of the client's; empty without an SDK, and the client's go through. */
  trace?: Readonly<Record<string, string>>
}

/** The head that goes to an upstream: the client's end-to-end fields, without any of those that are ours to set. */
export function requestHeaders(incoming: IncomingMessage, forwarding: Forwarding): RawHeaders {
  const { clientAddress, proto, host, requestId, subject, trace = {} } = forwarding
  const kept = pairs(endToEnd(incoming.rawHeaders, incoming.headers.connection)).filter(
    ([name]) => !ours.test(name) && !rewritten.has(name.toLowerCase()) && !(name.toLowerCase() in trace),
  )
  const { cookie } = incoming.headers
  const added: [string, string][] = [
    ['Host', incoming.headers.host || host],
    ...framing(incoming),
    ...(cookie === undefined ? [] : [['Cookie', cookie] satisfies [string, string]]),
    ['X-Forwarded-For', clientAddress],
    ['X-Forwarded-Proto', proto],
    ['X-Forwarded-Host', host],
    ['X-Request-Id', requestId],
    ['Via', '1.1 ashlar'],
    ...Object.entries(trace),
    ...(subject === undefined ? [] : [['X-Ashlar-Subject', plain(subject)] satisfies [string, string]]),
  ]
  return [...kept, ...added].flat()
}

/** How the body is delimited, said exactly once, whatever the method: a body that nothing announces would be read as the next request. */
function framing({ headers, method }: IncomingMessage): [string, string][] {
  if (headers['transfer-encoding'] !== undefined) return [['Transfer-Encoding', 'chunked']]
  if (headers['content-length'] !== undefined) return [['Content-Length', headers['content-length']]]
  return ['POST', 'PUT', 'PATCH'].includes(method ?? '') ? [['Content-Length', '0']] : []
}

/** What no header can carry, percent-encoded: `decodeURIComponent` gives back the very text. */
function plain(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]+/gu, (odd) => encodeURIComponent(odd.toWellFormed()))
}
