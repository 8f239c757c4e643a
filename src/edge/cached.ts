import type { IncomingMessage } from 'node:http'
import type { Asked } from './asked.ts'
import { ageSeconds, immutableSeconds, type Entry, type ResponseCache } from './cache.ts'
import type { RawHeaders } from './headers.ts'
import { headersOf, matches, type ObjectStore } from './objects.ts'

/** Only plain GETs are looked up: a range or a request with credentials of its own goes to the origin. */
export function cacheKey({ incoming, client, target, path }: Asked, isObject: boolean): string | undefined {
  const { method, headers } = incoming
  if (method !== 'GET' || headers.range !== undefined || headers.authorization !== undefined) return undefined
  // An object is the same by whatever name and query it is asked for: made-up ones must not fill the cache with copies.
  return isObject ? path : `${client.proto} ${client.host.toLowerCase()} ${target}`
}

/** Keeps an instance's whole answer, if it may be kept. */
export function keep(
  cache: ResponseCache,
  key: string,
  status: number,
  { headers }: IncomingMessage,
  raw: RawHeaders,
  body: Buffer,
): void {
  const maxAgeSeconds = immutableSeconds(status, headers)
  if (maxAgeSeconds > 0) cache.set(key, { status, headers: raw, body, storedAtMs: performance.now(), maxAgeSeconds })
}

export function sendEntry(entry: Entry, { incoming, response }: Asked): void {
  const headers = [...without(entry.headers, 'age'), 'Age', String(ageSeconds(entry))]
  const etag = entry.headers[indexOf(entry.headers, 'etag') + 1]
  if (etag !== undefined && matches(incoming.headers['if-none-match'], etag))
    response.writeHead(304, without(headers, 'content-length')).end()
  else response.writeHead(entry.status, headers).end(entry.body)
}

function indexOf(raw: RawHeaders, name: string): number {
  const found = raw.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === name)
  return found < 0 ? raw.length : found
}

function without(raw: RawHeaders, name: string): RawHeaders {
  return raw.filter((_, index) => raw[index - (index % 2)]!.toLowerCase() !== name)
}

/** A bucket's object as an entry. */
export async function wholeObject(bucket: ObjectStore, key: string): Promise<Entry | undefined> {
  const object = await bucket.get(key)
  if (!object) return undefined
  const body = Buffer.concat(await object.body.toArray())
  const headers = Object.entries({ ...headersOf(object, true), 'content-length': String(body.byteLength) }).flat()
  return { status: 200, headers, body, storedAtMs: performance.now(), maxAgeSeconds: 31_536_000 }
}
