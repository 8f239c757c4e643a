import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { isAshlarError } from '../errors.ts'
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
// Types that a browser would run as part of the site are only ever saved, never shown (an uploaded SVG may carry a script).
const active =
  /^(text\/html|application\/xhtml\+xml|image\/svg\+xml|text\/xml|application\/xml|(text|application)\/(x-)?javascript)/i

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
  await sendBody(bucket, key, incoming.headers.range, response, immutable)
}

async function sendBody(
  bucket: ObjectStore,
  key: string,
  range: string | undefined,
  response: ServerResponse,
  immutable: boolean,
): Promise<void> {
  try {
    const object = await bucket.get(key, range === undefined ? {} : { range })
    if (!object) return refuse(response, 404)
    const { start, end } = object.range ?? { start: 0, end: object.size - 1 }
    const headers = { ...headersOf(object, immutable), 'content-length': object.size === 0 ? 0 : end - start + 1 }
    if (object.range) response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end}/${object.size}` })
    else response.writeHead(200, headers)
    await pipeline(object.body, response)
  } catch (error) {
    if (isAshlarError(error, 'invalid_argument')) return refuse(response, 416)
    if (!response.destroyed) throw error
  }
}

/** What an object's answer says of it. */
export function headersOf(
  { etag, contentType, modifiedAt }: Omit<ObjectFacts, 'size'>,
  immutable: boolean,
): Record<string, string> {
  return {
    etag,
    'content-type': contentType,
    'last-modified': modifiedAt.toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': immutable ? `public, max-age=${year}, immutable` : 'public, max-age=0, must-revalidate',
    'x-content-type-options': 'nosniff',
    ...(active.test(contentType) ? { 'content-disposition': 'attachment', 'content-security-policy': 'sandbox' } : {}),
  }
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)
}
