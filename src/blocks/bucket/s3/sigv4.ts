/**
 * AWS Signature Version 4, for S3: the path is encoded once. Pure; no clock, no I/O.
 *
 *   canonical request = method \n path \n query \n header:value\n… \n signed;headers \n payload hash
 *   string to sign    = AWS4-HMAC-SHA256 \n date \n scope \n SHA-256 of the canonical request
 *   scope             = yyyymmdd/region/service/aws4_request
 */
import { createHash, createHmac } from 'node:crypto'

export const algorithm = 'AWS4-HMAC-SHA256'
export const unsignedPayload = 'UNSIGNED-PAYLOAD'
export const longestExpiryMs = 7 * 24 * 3_600_000

export type Pair = readonly [name: string, value: string]

export interface Scope {
  /** `20130524T000000Z` */
  date: string
  region: string
  service: string
}

export interface Signable {
  method: string
  /** Decoded, as it is in the URL: with a leading slash. */
  path: string
  /** Decoded, without the signature itself. */
  query: readonly Pair[]
  /** Lower-case names, those that are signed only. */
  headers: readonly Pair[]
  payloadHash: string
}

/** RFC 3986: only unreserved characters stay. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => '%' + char.charCodeAt(0).toString(16).toUpperCase())
}

export function encodePath(path: string): string {
  return uriEncode(path).replaceAll('%2F', '/')
}

function encodeQuery(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join('&')
}

export function canonicalRequest({ method, path, query, headers, payloadHash }: Signable): string {
  const pairs = query.map(([name, value]) => [uriEncode(name), uriEncode(value)] as const).toSorted(byNameThenValue)
  const sorted = headers.toSorted(byName)
  return [
    method,
    encodePath(path),
    pairs.map((pair) => pair.join('=')).join('&'),
    ...sorted.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    sorted.map(([name]) => name).join(';'),
    payloadHash,
  ].join('\n')
}

export function scopeText({ date, region, service }: Scope): string {
  return `${date.slice(0, 8)}/${region}/${service}/aws4_request`
}

export function signingKey(secret: string, { date, region, service }: Scope): Buffer {
  const parts = [date.slice(0, 8), region, service, 'aws4_request']
  return parts.reduce((key: Buffer, part) => hmac(key, part), Buffer.from(`AWS4${secret}`))
}

/** The signature of a request, in hex. */
export function signature(secret: string, scope: Scope, request: Signable): string {
  const text = [algorithm, scope.date, scopeText(scope), sha256(canonicalRequest(request))].join('\n')
  return hmac(signingKey(secret, scope), text).toString('hex')
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** `20130524T000000Z` */
export function dateText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** @returns undefined for text that is no such date */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second] = match
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

export interface Presign {
  accessKeyId: string
  secretAccessKey: string
  scope: Scope
  method: string
  host: string
  /** Decoded. */
  path: string
  expiresMs: number
  query?: readonly Pair[]
  /** Headers that the client must send, besides `host`; lower-case names. */
  headers?: readonly Pair[]
}

/** The query of a presigned URL, `?` not included. The body is never part of it: nobody knows it yet. */
export function presignedQuery(of: Presign): string {
  const headers: Pair[] = [['host', of.host], ...(of.headers ?? [])]
  const query: Pair[] = [
    ['X-Amz-Algorithm', algorithm],
    ['X-Amz-Credential', `${of.accessKeyId}/${scopeText(of.scope)}`],
    ['X-Amz-Date', of.scope.date],
    ['X-Amz-Expires', String(Math.floor(of.expiresMs / 1000))],
    [
      'X-Amz-SignedHeaders',
      headers
        .map(([name]) => name)
        .toSorted()
        .join(';'),
    ],
    ...(of.query ?? []),
  ]
  const request = { method: of.method, path: of.path, query, headers, payloadHash: unsignedPayload }
  return encodeQuery([...query, ['X-Amz-Signature', signature(of.secretAccessKey, of.scope, request)]])
}

function byNameThenValue(left: Pair, right: Pair): number {
  return byName(left, right) || (left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0)
}

function byName([left]: Pair, [right]: Pair): number {
  return left < right ? -1 : left > right ? 1 : 0
}
