import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { contentRange, resolveRange, safeHeaders } from '../blocks/bucket/index.ts'
import { refuse } from './respond.ts'

interface ObjectFacts {
  size: number
  etag: string
  contentType: string
  modifiedAt: Date
}

/** What a route to a bucket needs of it. */
export interface ObjectStore {
  head(key: string): Promise<ObjectFacts | undefined>
  get(
    key: string,
    options?: { range?: string },
  ): Promise<(ObjectFacts & { range?: { start: number; end: number }; body: Readable }) | undefined>
}

const year = 31_536_000

/** Serves objects by GET and HEAD: ranges, conditional requests, and for ever where their names carry a version. */
export async function serveObject(
  bucket: ObjectStore,
  key: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  immutable: boolean,
): Promise<void> {
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD') return refuse(response, 405, { allow: 'GET, HEAD' })
  const found = await bucket.head(key)
  if (!found) return refuse(response, 404)
  const headers = headersOf(found, immutable)
  if (matches(incoming.headers['if-none-match'], found.etag)) return void response.writeHead(304, headers).end()
  if (incoming.method === 'HEAD')
    return void response.writeHead(200, { ...headers, 'content-length': found.size }).end()
  await sendBody(bucket, key, found, incoming.headers.range, response, immutable)
}

/** Several ranges, or what is no range, are answered with the whole object (RFC 9110 §14.2). */
async function sendBody(
  bucket: ObjectStore,
  key: string,
  { size }: ObjectFacts,
  header: string | undefined,
  response: ServerResponse,
  immutable: boolean,
): Promise<void> {
  const asked = header === undefined ? 'ignored' : resolveRange(header, size)
  if (asked === 'unsatisfiable') return refuse(response, 416, { 'content-range': `bytes */${size}` })
  const object = await bucket.get(key, typeof asked === 'object' ? { range: header! } : {})
  if (!object) return refuse(response, 404)
  const headers = headersOf(object, immutable)
  if (object.range)
    response.writeHead(206, {
      ...headers,
      'content-length': length(object.range),
      'content-range': contentRange(object.range, object.size),
    })
  else response.writeHead(200, { ...headers, 'content-length': object.size })
  await pipeline(object.body, response).catch((error: unknown) => {
    if (!response.destroyed) throw error
  })
}

function length({ start, end }: { start: number; end: number }): number {
  return end - start + 1
}

/** What an object's answer says of it. Bytes from strangers are never sniffed, and never run as part of the site. */
export function headersOf(
  { etag, contentType, modifiedAt }: Omit<ObjectFacts, 'size'>,
  immutable: boolean,
): Record<string, string> {
  return {
    ...safeHeaders(contentType),
    etag,
    'last-modified': modifiedAt.toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': immutable ? `public, max-age=${year}, immutable` : 'public, max-age=0, must-revalidate',
  }
}

/** Weak comparison, which is what `If-None-Match` asks for (RFC 9110 §13.1.2). */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((each) => strong(each) === strong(etag))
}

function strong(etag: string): string {
  return etag.trim().replace(/^W\//, '')
}
