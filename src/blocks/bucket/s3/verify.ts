import { timingSafeEqual } from 'node:crypto'
import type { S3Access } from '../driver.ts'
import { S3Error } from './error.ts'
import { decode, parseQuery } from './query.ts'
import { algorithm, longestExpiryMs, parseDate, signature, unsignedPayload, type Pair, type Scope } from './sigv4.ts'

const skewMs = 15 * 60_000

/** A request whose signature holds. */
export interface Verified {
  method: string
  /** Decoded. */
  path: string
  /** Without what belongs to the signature. */
  query: ReadonlyMap<string, string>
  /** Lower-case; presigned `x-amz-*` parameters are among them. */
  headers: ReadonlyMap<string, string>
  /** What was signed for the body: its SHA-256 in hex, `UNSIGNED-PAYLOAD`, or a `STREAMING-…` form. */
  payloadHash: string
  scope: Scope
  signature: string
  presigned: boolean
}

interface Claim {
  accessKeyId: string
  scope: Scope
  signedHeaders: string[]
  signature: string
  query: Pair[]
  payloadHash: string
  presigned: boolean
}

/**
 * Checks Signature Version 4, in the header or presigned in the query. Whatever `x-amz-*` header is there must be signed.
 * @throws S3Error `AccessDenied` `SignatureDoesNotMatch` `InvalidAccessKeyId` `RequestTimeTooSkewed` and what a malformed one gets
 */
export function verify(request: Request, access: S3Access, now: number): Verified {
  const url = new URL(request.url)
  const pairs = parseQuery(url.search)
  const headers = new Map(request.headers)
  if (!headers.has('host')) headers.set('host', url.host)
  const claim = claimOf(headers, pairs)
  const path = decode(url.pathname)
  if (claim.accessKeyId !== access.accessKeyId)
    throw new S3Error('InvalidAccessKeyId', 'the access key id is not one of this bucket')
  checkHeaders(claim, headers)
  checkTime(claim, pairs, now)
  const signed = claim.signedHeaders.map((name): Pair => [name, headers.get(name)!])
  const signable = { method: request.method, path, query: claim.query, headers: signed, payloadHash: claim.payloadHash }
  if (!equal(signature(access.secretAccessKey, claim.scope, signable), claim.signature))
    throw new S3Error('SignatureDoesNotMatch', 'the signature does not match; check the secret key and what was signed')
  return { ...claim, method: request.method, path, ...partsOf(claim, headers) }
}

function claimOf(headers: ReadonlyMap<string, string>, pairs: Pair[]): Claim {
  const query = new Map(pairs)
  const authorization = headers.get('authorization')
  if (query.has('X-Amz-Signature') || query.has('X-Amz-Algorithm')) {
    if (authorization !== undefined)
      throw new S3Error('InvalidArgument', 'sign in the header or in the query, not in both')
    return fromQuery(query, pairs, headers)
  }
  if (authorization === undefined) throw new S3Error('AccessDenied', 'the request is not signed')
  return fromHeader(authorization, pairs, headers)
}

function fromHeader(authorization: string, query: Pair[], headers: ReadonlyMap<string, string>): Claim {
  const match = /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(
    authorization,
  )
  const date = headers.get('x-amz-date') ?? ''
  const payloadHash = headers.get('x-amz-content-sha256')
  if (!match) throw new S3Error('AuthorizationHeaderMalformed', `the authorization header is not of ${algorithm}`)
  if (payloadHash === undefined) throw new S3Error('InvalidArgument', 'the header x-amz-content-sha256 is missing')
  const [, credential = '', names = '', given = ''] = match
  const parsed = parseCredential(credential, date)
  if (!parsed) throw new S3Error('AuthorizationHeaderMalformed', 'the credential or x-amz-date is malformed')
  return { ...parsed, signedHeaders: names.split(';'), signature: given, query, payloadHash, presigned: false }
}

function fromQuery(query: ReadonlyMap<string, string>, pairs: Pair[], headers: ReadonlyMap<string, string>): Claim {
  const parsed = parseCredential(query.get('X-Amz-Credential') ?? '', query.get('X-Amz-Date') ?? '')
  const names = query.get('X-Amz-SignedHeaders') ?? ''
  const given = query.get('X-Amz-Signature') ?? ''
  if (query.get('X-Amz-Algorithm') !== algorithm || !parsed || names === '' || !/^[0-9a-f]{64}$/.test(given))
    throw new S3Error('AuthorizationQueryParametersError', `the presigned query is not of ${algorithm}`)
  return {
    ...parsed,
    signedHeaders: names.split(';'),
    signature: given,
    query: pairs.filter(([name]) => name !== 'X-Amz-Signature'),
    payloadHash: query.get('X-Amz-Content-Sha256') ?? headers.get('x-amz-content-sha256') ?? unsignedPayload,
    presigned: true,
  }
}

function parseCredential(credential: string, date: string): { accessKeyId: string; scope: Scope } | undefined {
  const match = /^([\w.-]{1,128})\/(\d{8})\/([a-z0-9-]{1,32})\/s3\/aws4_request$/.exec(credential)
  const [, accessKeyId = '', day = '', region = ''] = match ?? []
  if (!match || parseDate(date) === undefined || !date.startsWith(day)) return undefined
  return { accessKeyId, scope: { date, region, service: 's3' } }
}

function checkHeaders({ signedHeaders }: Claim, headers: ReadonlyMap<string, string>): void {
  const signed = new Set(signedHeaders)
  if (!signed.has('host')) throw new S3Error('AccessDenied', 'the header host is not signed')
  for (const name of signed) {
    if (!headers.has(name)) throw new S3Error('SignatureDoesNotMatch', `the signed header ${name} is missing`)
  }
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !signed.has(name))
      throw new S3Error('AccessDenied', `the header ${name} is there but not signed`)
  }
}

function checkTime({ presigned, scope }: Claim, pairs: Pair[], now: number): void {
  const signedAt = parseDate(scope.date)!
  if (!presigned) {
    if (Math.abs(now - signedAt) > skewMs)
      throw new S3Error(
        'RequestTimeTooSkewed',
        'the time of the request differs from the time here by more than 15 minutes',
      )
    return
  }
  const expires = pairs.find(([name]) => name === 'X-Amz-Expires')?.[1] ?? ''
  const expiresMs = /^\d{1,7}$/.test(expires) ? Number(expires) * 1000 : NaN
  if (!(expiresMs >= 1000 && expiresMs <= longestExpiryMs))
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Expires must be 1 to 604800 seconds')
  if (signedAt - now > skewMs) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (now >= signedAt + expiresMs) throw new S3Error('AccessDenied', 'Request has expired')
}

/** Presigning clients move `x-amz-*` headers into the query. A checksum among them is of no body: nobody knew it then. */
function partsOf(claim: Claim, headers: Map<string, string>): Pick<Verified, 'query' | 'headers'> {
  const query = new Map<string, string>()
  const all = new Map(headers)
  for (const [name, value] of claim.query) {
    const lower = name.toLowerCase()
    if (claim.presigned && ofSignature.has(lower)) continue
    if (!claim.presigned || !lower.startsWith('x-amz-')) query.set(name, value)
    else if (all.has(lower)) throw new S3Error('InvalidArgument', `${lower} is both in the query and a header`)
    else if (!/^x-amz-(?:checksum-|sdk-checksum-)/.test(lower)) all.set(lower, value)
  }
  return { query, headers: all }
}

const ofSignature = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-content-sha256',
])

function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
