import { invalid } from '../errors.ts'

/** Pub/Sub takes no longer one. */
const maxBytes = 256

/**
 * A subscription's filter in Pub/Sub's language: every named attribute has one of its values. The same filter is always written
 * the same way. @param first is put before it. @throws `invalid_argument` for one that is too long, or not to be written
 */
export function filterText(filter: Readonly<Record<string, readonly string[]>>, first: string): string {
  const terms = Object.entries(filter)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => anyOf(name, values))
  const text = [first, ...terms].join(' AND ')
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return text
  throw invalid(
    `filter: it has ${bytes} bytes in Pub/Sub's language, ${Buffer.byteLength(first)} of them ours; Pub/Sub takes ${maxBytes}; filter by fewer or shorter values`,
  )
}

function anyOf(name: string, values: readonly string[]): string {
  const tests = [...new Set(values)].toSorted().map((value) => `attributes.${nameText(name)}=${quoted(value)}`)
  return tests.length === 1 ? tests[0]! : `(${tests.join(' OR ')})`
}

function nameText(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name)
}

/** @throws `invalid_argument` */
export function quoted(text: string): string {
  if (/\p{Cc}/u.test(text))
    throw invalid(`filter: ${JSON.stringify(text)} has control characters; Pub/Sub cannot filter by it`)
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
