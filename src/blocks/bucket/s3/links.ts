import { invalid } from '../../../errors.ts'
import type { Presigning, S3Access } from '../driver.ts'
import { attachment } from '../disposition.ts'
import { dateText, longestExpiryMs, parseDate, presignedQuery, uriEncode, type Pair } from './sigv4.ts'

export interface Link {
  url: string
  headers: Record<string, string>
  expiresAt: Date
}

/** Signed extra parameter of an upload link: the endpoint reads no more than so many bytes. */
export const maxBytesParameter = 'x-ashlar-max-bytes'

/** A presigned URL by Signature Version 4. Nothing about a body is signed but its type. */
export function linkTo(key: string, access: S3Access, options: Presigning, now: number): Link {
  if (options.expiresMs < 1000 || options.expiresMs > longestExpiryMs)
    throw invalid(`expires: ${options.expiresMs} ms is out of range; a link is good for 1s to 7d`)
  const { host, pathname, origin } = new URL(access.endpoint)
  const date = dateText(now)
  const headers: Pair[] = options.contentType === undefined ? [] : [['content-type', options.contentType]]
  const query = presignedQuery({
    ...access,
    scope: { date, region: access.region, service: 's3' },
    method: options.method,
    host,
    path: `${pathname}/${access.bucket}/${key}`,
    expiresMs: options.expiresMs,
    query: parametersOf(options),
    headers,
  })
  const path = `${pathname}/${access.bucket}${keyPath(key)}`
  const expiresAt = new Date(parseDate(date)! + Math.floor(options.expiresMs / 1000) * 1000)
  return { url: `${origin}${path}?${query}`, headers: Object.fromEntries(headers), expiresAt }
}

function parametersOf({ maxBytes, downloadAs }: Presigning): Pair[] {
  return [
    ...(maxBytes === undefined ? [] : [[maxBytesParameter, String(maxBytes)] as const]),
    ...(downloadAs === undefined ? [] : [['response-content-disposition', attachment(downloadAs)] as const]),
  ]
}

/**
 * The key as the end of a path. Every URL parser removes the segments `.` and `..`, so around them the slash is encoded too:
 * the endpoint decodes first and then looks for slashes, and the signature is over the decoded path.
 */
function keyPath(key: string): string {
  return key
    .split('/')
    .map((segment, at, all) => {
      const dots = /^\.\.?$/
      const glued = dots.test(segment) || (at > 0 && dots.test(all[at - 1]!))
      return (glued ? '%2F' : '/') + uriEncode(segment)
    })
    .join('')
}
