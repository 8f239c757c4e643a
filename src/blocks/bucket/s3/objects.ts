import { Readable } from 'node:stream'
import { AshlarError } from '../../../errors.ts'
import { checkContentType } from '../checks.ts'
import { safeHeaders } from '../disposition.ts'
import type { ByteRange, ObjectInfo, Putting } from '../driver.ts'
import { IdleBody } from '../idle.ts'
import { contentRange, resolveRange, type Asked } from '../range.ts'
import { bodyOf } from './body.ts'
import { evaluate, rangeApplies } from './conditions.ts'
import { S3Error } from './error.ts'
import { maxBytesParameter } from './links.ts'
import { metadataFrom, metadataHeaders } from './metadata.ts'
import type { Call, Operation } from './operation.ts'

const idleMs = 60_000

async function get({ store, verified, key }: Call): Promise<Response> {
  const header = verified.headers.get('range')
  let asked: Asked = 'ignored'
  const found = await store.get(key, (size, etag) => {
    if (header !== undefined && rangeApplies(verified.headers, etag)) asked = resolveRange(header, size)
    return typeof asked === 'object' ? asked : undefined
  })
  if (!found) throw noSuchKey()
  const { info, range, body } = found
  const outcome = evaluate(verified.headers, info)
  if (outcome === 'go' && (asked as Asked) !== 'unsatisfiable') return whole(info, range, body, verified.query)
  body.destroy()
  if (outcome === 'go')
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${info.size}`,
    })
  return refused(outcome, info)
}

function whole(
  info: ObjectInfo,
  range: ByteRange | undefined,
  body: Readable,
  query: ReadonlyMap<string, string>,
): Response {
  const onIdle = () => new AshlarError('timeout', 'the client read nothing for 60 s')
  const stream = Readable.toWeb(new IdleBody(body, { idleMs, onIdle })) as unknown as ReadableStream
  return new Response(stream, { status: range ? 206 : 200, headers: headersOf(info, range, query) })
}

async function head({ store, verified, key }: Call): Promise<Response> {
  const info = await store.head(key)
  if (!info) throw noSuchKey()
  const outcome = evaluate(verified.headers, info)
  if (outcome !== 'go') return refused(outcome, info)
  return new Response(null, { headers: headersOf(info, undefined, verified.query) })
}

function refused(outcome: 304 | 412, info: ObjectInfo): Response {
  if (outcome === 412) throw new S3Error('PreconditionFailed', 'At least one of the preconditions does not hold')
  return new Response(null, {
    status: 304,
    headers: { etag: info.etag, 'last-modified': info.modifiedAt.toUTCString() },
  })
}

function headersOf(
  info: ObjectInfo,
  range: ByteRange | undefined,
  query: ReadonlyMap<string, string>,
): Record<string, string> {
  const length = range ? range.end - range.start + 1 : info.size
  return {
    ...metadataHeaders(info.metadata),
    ...safeHeaders(info.contentType, query.get('response-content-disposition')),
    'accept-ranges': 'bytes',
    'cache-control': 'private',
    'content-length': String(length),
    etag: info.etag,
    'last-modified': info.modifiedAt.toUTCString(),
    ...(range ? { 'content-range': contentRange(range, info.size) } : {}),
  }
}

async function put(call: Call): Promise<Response> {
  const { store, request, verified, key, secret } = call
  const { bytes, size, sums } = bodyOf(request, verified, secret)
  const options: Putting = {
    contentType: checkContentType(verified.headers.get('content-type')),
    metadata: metadataFrom(verified.headers),
    maxBytes: limitOf(call),
    signal: request.signal,
    ...(size === undefined ? {} : { size }),
    ...conditionOf(verified.headers),
  }
  const { etag } = await store.put(key, bytes, options)
  return new Response(null, { headers: { etag, ...sums } })
}

/** The smaller of the bucket's limit and the one signed into an upload link. */
function limitOf({ verified, maxBytes }: Call): number {
  const signed = verified.query.get(maxBytesParameter)
  if (signed === undefined) return maxBytes
  if (/^\d{1,15}$/.test(signed)) return Math.min(maxBytes, Number(signed))
  throw new S3Error('InvalidArgument', `${maxBytesParameter} is not a number of bytes`)
}

export function conditionOf(headers: ReadonlyMap<string, string>): Pick<Putting, 'ifNoneMatch' | 'ifMatch'> {
  const ifNoneMatch = headers.get('if-none-match')
  const ifMatch = headers.get('if-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    throw new S3Error('NotImplemented', 'If-None-Match on a write can only be *')
  return {
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(ifMatch === undefined ? {} : { ifMatch: ifMatch.startsWith('"') ? ifMatch : `"${ifMatch}"` }),
  }
}

async function remove({ store, verified, key }: Call): Promise<Response> {
  if (verified.headers.has('if-match')) throw new S3Error('NotImplemented', 'If-Match on a delete is not supported')
  await store.delete([key])
  return new Response(null, { status: 204 })
}

function noSuchKey(): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.')
}

const shown = ['response-content-disposition']

export const objectOperations: readonly Operation[] = [
  { method: 'GET', of: 'object', marks: [], allows: shown, run: get },
  { method: 'HEAD', of: 'object', marks: [], allows: shown, run: head },
  { method: 'PUT', of: 'object', marks: [], allows: [maxBytesParameter], run: put },
  { method: 'DELETE', of: 'object', marks: [], allows: [], run: remove },
]
