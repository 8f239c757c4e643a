import type { ObjectInfo } from '../driver.ts'

/** What a conditional GET or HEAD comes to, by RFC 9110 §13.2.2. */
export function evaluate(headers: ReadonlyMap<string, string>, { etag, modifiedAt }: ObjectInfo): 'go' | 304 | 412 {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  const modified = Math.floor(modifiedAt.getTime() / 1000) * 1000
  if (ifMatch !== undefined) {
    if (!lists(ifMatch, etag)) return 412
  } else if (modified > date(headers.get('if-unmodified-since'), Infinity)) return 412
  if (ifNoneMatch !== undefined) return lists(ifNoneMatch, etag) ? 304 : 'go'
  return modified <= date(headers.get('if-modified-since'), -Infinity) ? 304 : 'go'
}

/** `If-Range`: the range counts only for the version that the client has part of. */
export function rangeApplies(headers: ReadonlyMap<string, string>, etag: string): boolean {
  const ifRange = headers.get('if-range')
  return ifRange === undefined || ifRange === etag
}

function lists(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((each) => bare(each) === bare(etag))
}

/** S3 clients also send etags without quotes. */
function bare(etag: string): string {
  return etag.trim().replace(/^W\//, '').replace(/^"|"$/g, '')
}

function date(text: string | undefined, otherwise: number): number {
  const timeMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(timeMs) ? otherwise : timeMs
}
