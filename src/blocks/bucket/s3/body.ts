import { Readable } from 'node:stream'
import { AshlarError } from '../../../errors.ts'
import { IdleBody } from '../idle.ts'
import { checksumOf, hashed, type Checksum } from './checksum.ts'
import { ChunkedBody } from './chunked.ts'
import { chunkSigner } from './chunk-signer.ts'
import { S3Error, type S3Code } from './error.ts'
import { unsignedPayload } from './sigv4.ts'
import type { Verified } from './verify.ts'

const idleMs = 60_000

/** A request's body, decoded; reading it to the end throws unless every checksum that came with it holds. */
export interface RequestBody {
  bytes: Readable
  /** Announced length of the decoded bytes. */
  size?: number
  /** Checksums that held, as headers for the answer. Complete at the end. */
  sums: Record<string, string>
}

interface Check {
  sum: Checksum
  expected: () => string | undefined
  code: S3Code
  header?: string
}

/** @throws S3Error `NotImplemented` `InvalidArgument` `InvalidDigest`; while reading `BadDigest` `IncompleteBody` `XAmzContentSHA256Mismatch` */
export function bodyOf(request: Request, verified: Verified, secret: string): RequestBody {
  const { payloadHash, headers } = verified
  const sums: Record<string, string> = {}
  const source = sourceOf(request)
  const streaming = payloadHash.startsWith('STREAMING-')
  const chunked = streaming ? new ChunkedBody(source, signerOf(verified, secret)) : undefined
  const checks = [...plainChecks(verified), ...(chunked ? trailerChecks(chunked, headers) : [])]
  const size = lengthOf(headers, streaming ? 'x-amz-decoded-content-length' : 'content-length')
  const bytes = Readable.from(checked(chunked?.read() ?? source, checks, sums))
  bytes.once('close', () => source.destroy())
  return { bytes, sums, ...(size === undefined ? {} : { size }) }
}

function sourceOf(request: Request): Readable {
  const raw = request.body ? Readable.fromWeb(request.body) : Readable.from([])
  const onIdle = () => new AshlarError('timeout', 'no byte of the request came for 60 s')
  return new IdleBody(raw, { idleMs, onIdle })
}

function signerOf(verified: Verified, secret: string) {
  const { payloadHash } = verified
  if (payloadHash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return undefined
  if (/^STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?$/.test(payloadHash)) return chunkSigner(verified, secret)
  throw new S3Error('NotImplemented', `x-amz-content-sha256: ${payloadHash} is not supported`)
}

function plainChecks({ payloadHash, headers }: Verified): Check[] {
  const checks: Check[] = []
  if (/^[0-9a-f]{64}$/.test(payloadHash))
    checks.push({ sum: hashed('sha256', 'hex'), expected: () => payloadHash, code: 'XAmzContentSHA256Mismatch' })
  else if (payloadHash !== unsignedPayload && !payloadHash.startsWith('STREAMING-'))
    throw new S3Error('InvalidArgument', 'x-amz-content-sha256 is neither a hash nor one of its keywords')
  for (const [header, value] of headers) {
    if (header === 'content-md5') {
      if (!/^[A-Za-z0-9+/]{22}==$/.test(value))
        throw new S3Error('InvalidDigest', 'Content-MD5 is not base64 of an MD5')
      checks.push({ sum: hashed('md5'), expected: () => value, code: 'BadDigest' })
    }
    if (isSum(header)) checks.push({ sum: checksumOf(header), expected: () => value, code: 'BadDigest', header })
  }
  return checks
}

function trailerChecks(chunked: ChunkedBody, headers: ReadonlyMap<string, string>): Check[] {
  const announced = (headers.get('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase())
  return announced.filter(Boolean).map((header) => ({
    sum: checksumOf(header),
    expected: () => chunked.trailers.find(({ name }) => name === header)?.value,
    code: 'BadDigest',
    header,
  }))
}

/** Headers that choose an algorithm are no checksums. */
function isSum(header: string): boolean {
  return header.startsWith('x-amz-checksum-') && !/-(?:algorithm|type|mode)$/.test(header)
}

async function* checked(
  source: AsyncIterable<Buffer>,
  checks: readonly Check[],
  sums: Record<string, string>,
): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    for (const { sum } of checks) sum.update(bytes)
    yield bytes
  }
  for (const { sum, expected, code, header } of checks) {
    const found = sum.digest()
    if (found !== expected())
      throw new S3Error(code, `the body does not have the checksum that came with it${header ? ` (${header})` : ''}`)
    if (header) sums[header] = found
  }
}

function lengthOf(headers: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = headers.get(name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new S3Error('InvalidArgument', `${name}: '${text}' is not a length`)
}
