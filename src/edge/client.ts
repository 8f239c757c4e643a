import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What the edge knows of who asks and for which site. */
export interface Client {
  address: string
  proto: 'http' | 'https'
  /** As the client asked for it, with its port if it named one. */
  host: string
}

type Head = Pick<IncomingMessage, 'headers'> & {
  socket: { remoteAddress?: string | undefined; localAddress?: string; localPort?: number }
}

/**
 * Who asks. Behind trusted proxies the address, the protocol and the host are what the outermost of them saw; otherwise
 * nothing that a client writes about itself is believed. @returns `undefined` for a host that is none
 */
export function clientOf(incoming: Head, trustedHops: number): Client | undefined {
  const { host: own } = incoming.headers
  const said = trustedHops > 0 ? lastOf(incoming.headers['x-forwarded-host'], trustedHops) : undefined
  const host = said ?? own
  if (host && !isHost(host)) return undefined
  const proto = trustedHops > 0 ? lastOf(incoming.headers['x-forwarded-proto'], trustedHops) : undefined
  return {
    address: clientAddress(incoming, trustedHops),
    proto: proto?.toLowerCase() === 'https' ? 'https' : 'http',
    // HTTP/1.0 needs no Host; the apps behind do.
    host: host || `${incoming.socket.localAddress ?? 'localhost'}:${incoming.socket.localPort ?? 80}`,
  }
}

/** The client's address: as many hops from the right of X-Forwarded-For as are trusted, ports taken off (RFC 7239 §6). */
export function clientAddress(incoming: Head, trustedHops: number): string {
  const peer = incoming.socket.remoteAddress ?? 'unknown'
  const hops = [...listOf(incoming.headers['x-forwarded-for']), peer]
  return plainAddress(trustedHops === 0 ? peer : hops[Math.max(0, hops.length - 1 - trustedHops)]!)
}

/** A proxy either adds its own to a list or replaces the field: the n-th from the right, or the leftmost of fewer. */
function lastOf(header: string | string[] | undefined, hops: number): string | undefined {
  const list = listOf(header)
  return list[Math.max(0, list.length - hops)]
}

function listOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
}

function plainAddress(text: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return bare.replace(/^::ffff:(?=\d+\.)/i, '')
}

function isHost(text: string): boolean {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(text)
}

/** A host as routes name it: without port, in lower case, without the root's dot. */
export function siteOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}

/** The caller's request id if it is a harmless one, else a new one. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID()
}
