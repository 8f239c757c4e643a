import { invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import type { PutOptions } from './bucket.ts'
import type { Part, Putting } from './driver.ts'
import { partLimits } from './parts.ts'

const largestMetadataBytes = 2048
// RFC 9110 §8.3: type "/" subtype *( OWS ";" OWS token "=" ( token / quoted-string ) ). One type only: with a comma, browsers
// and caches would not agree on which of them counts.
const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
const mediaType = new RegExp(
  `^${token}/${token}(?:[ \\t]*;[ \\t]*${token}=(?:${token}|"[^"\\\\\\x00-\\x1f\\x7f-\\uffff]*"))*$`,
)

/** @throws `invalid_argument` */
export function checkContentType(type: string | undefined): string {
  if (type === undefined) return 'application/octet-stream'
  if (typeof type === 'string' && type.length <= 255 && mediaType.test(type)) return type
  throw invalid(
    `contentType: ${JSON.stringify(type)} is not a media type; write one such as 'image/png' or 'text/plain; charset=utf-8'`,
  )
}

/** Lower-case names and plain text, 2 KB in all: what every S3 server keeps. @throws `invalid_argument` */
export function checkMetadata(metadata: Record<string, string> = {}): Record<string, string> {
  let bytes = 0
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name))
      throw invalid(`metadata: '${name}' is not a name; write 1 to 128 lower-case letters, digits, - or _`)
    // eslint-disable-next-line no-control-regex
    if (typeof value !== 'string' || /[\x00-\x1f\x7f]|^\s|\s$/.test(value) || !value.isWellFormed())
      throw invalid(
        `metadata: the value of '${name}' is not plain text; remove control characters and blanks at its ends`,
      )
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (bytes > largestMetadataBytes)
    throw invalid(`metadata: ${bytes} bytes of names and values; allowed are ${largestMetadataBytes} in all`)
  return { ...metadata }
}

/** @throws `invalid_argument` */
export function checkPutting(options: PutOptions, maxBytes: number): Putting {
  const { contentType, metadata, size, ifNoneMatch, ifMatch, sha256, signal } = options
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    throw invalid(`ifNoneMatch: '${String(ifNoneMatch)}' is not known; '*' is the only value`)
  if (ifMatch !== undefined && ifNoneMatch !== undefined) throw invalid('ifMatch and ifNoneMatch exclude each other')
  return {
    contentType: checkContentType(contentType),
    metadata: checkMetadata(metadata),
    maxBytes,
    ...(size === undefined ? {} : { size: toCount('size', size) }),
    ...(ifNoneMatch && { ifNoneMatch }),
    ...(ifMatch === undefined ? {} : { ifMatch: checkEtag(ifMatch) }),
    ...(sha256 === undefined ? {} : { sha256: checkSha256(sha256) }),
    ...(signal && { signal }),
  }
}

function checkEtag(etag: string): string {
  if (typeof etag === 'string' && /^"[\x21\x23-\x7e]{1,128}"$/.test(etag)) return etag
  throw invalid(`ifMatch: ${JSON.stringify(etag)} is not an etag; pass the one of an ObjectInfo, with its quotes`)
}

function checkSha256(sum: string): string {
  if (typeof sum === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(sum)) return sum
  throw invalid(`sha256: ${JSON.stringify(sum)} is not base64 of a SHA-256; write its 44 characters`)
}

/** @throws `invalid_argument` */
export function checkPartNumber(number: number): number {
  return toCount('part number', number, { min: 1, max: partLimits.maxNumber })
}

/** @throws `invalid_argument` */
export function checkParts(parts: readonly Part[]): readonly Part[] {
  if (!Array.isArray(parts) || parts.length < 1 || parts.length > partLimits.maxNumber)
    throw invalid(`parts: an upload is finished with 1 to ${partLimits.maxNumber} parts, in order`)
  for (const { number } of parts) checkPartNumber(number)
  return parts
}

/** @throws `invalid_argument` */
export function checkUpload(upload: string): string {
  if (typeof upload === 'string' && upload.length >= 1 && upload.length <= 1024) return upload
  throw invalid(`upload: ${JSON.stringify(upload)} is not the id that start gave`)
}
