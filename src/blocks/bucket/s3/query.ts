import { S3Error } from './error.ts'
import type { Pair } from './sigv4.ts'

/** Decodes a query by percent signs alone: in S3 a `+` is a plus. @throws S3Error InvalidURI, InvalidArgument for a name given twice */
export function parseQuery(search: string): Pair[] {
  const text = search.startsWith('?') ? search.slice(1) : search
  const pairs = text.split('&').filter(Boolean).map(parsePair)
  const names = new Set<string>()
  for (const [name] of pairs) {
    if (names.has(name)) throw new S3Error('InvalidArgument', `the query parameter ${name} is given twice`)
    names.add(name)
  }
  return pairs
}

function parsePair(text: string): Pair {
  const at = text.indexOf('=')
  return at < 0 ? [decode(text), ''] : [decode(text.slice(0, at)), decode(text.slice(at + 1))]
}

/** @throws S3Error InvalidURI for what is not percent-encoded UTF-8 */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI', 'the URL is not percent-encoded UTF-8')
  }
}
