import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { randomUUID } from 'node:crypto'

/** Fields of one connection only (RFC 9110 §7.6.1): never forwarded. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Fields by which a client could pretend to be known to us, however it spells them: always ours to set. */
const ours = /^(forwarded|x[-_]forwarded[-_].*|x[-_]real[-_]ip|x[-_]ashlar[-_].*)$/i

export type RawHeaders = string[]

/** Raw name/value pairs without hop-by-hop fields and those that `Connection` names. Repeated fields stay repeated. */
export function endToEnd(raw: readonly string[], connection: string | undefined): RawHeaders {
  const named = new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  return pairs(raw).flatMap(([name, value]) =>
    hopByHop.has(name.toLowerCase()) || named.has(name.toLowerCase()) ? [] : [name, value],
  )
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!])
}

export interface Forwarding {
  clientAddress: string
  proto: 'http' | 'https'
  host: string
  requestId: string
  /** Who the edge found the caller to be. */
  subject: string | undefined
}

/** The head that goes to an upstream: the client's end-to-end fields, without any of those that are ours to set. */
export function requestHeaders(incoming: IncomingMessage, forwarding: Forwarding): RawHeaders {
  const kept = pairs(endToEnd(incoming.rawHeaders, incoming.headers.connection)).filter(
    ([name]) => !ours.test(name) && !/^(via|x-request-id)$/i.test(name),
  )
  const { clientAddress, proto, host, requestId, subject } = forwarding
  const added = [
    'X-Forwarded-For',
    clientAddress,
    'X-Forwarded-Proto',
    proto,
    'X-Forwarded-Host',
    host,
    'X-Request-Id',
    requestId,
    'Via',
    '1.1 ashlar',
  ]
  return [...kept.flat(), ...added, ...(subject === undefined ? [] : ['X-Ashlar-Subject', subject])]
}

/** The client's address: as many hops from the right of X-Forwarded-For as are trusted, ports taken off (RFC 7239 §6). */
export function clientAddress(
  incoming: { headers: IncomingHttpHeaders; socket: { remoteAddress?: string | undefined } },
  trustedHops: number,
): string {
  const peer = incoming.socket.remoteAddress ?? 'unknown'
  if (trustedHops === 0) return plainAddress(peer)
  const header = incoming.headers['x-forwarded-for']
  const hops = [
    ...(Array.isArray(header) ? header.join(',') : (header ?? ''))
      .split(',')
      .map((hop) => hop.trim())
      .filter(Boolean),
    peer,
  ]
  return plainAddress(hops[Math.max(0, hops.length - 1 - trustedHops)]!)
}

function plainAddress(text: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return bare.replace(/^::ffff:(?=\d+\.)/, '')
}

/** The caller's request id if it is a harmless one, else a new one. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID()
}
