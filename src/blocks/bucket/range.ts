import { invalid } from '../../errors.ts'
import type { ByteRange } from './driver.ts'

/**
 * What a `Range` header asks of an object of one size.
 * - `ignored`: not this grammar, another unit, or several ranges at once: the whole object is the answer.
 * - `whole`: met, but has no `Content-Range` form (a suffix of an empty object).
 * - `unsatisfiable`: 416.
 */
export type Asked = ByteRange | 'ignored' | 'whole' | 'unsatisfiable'

// RFC 9110 §14.1.2:  ranges-specifier = range-unit "=" range-set      range-set = 1#( int-range / suffix-range )
//                    int-range = first-pos "-" [ last-pos ]           suffix-range = "-" suffix-length
const one = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/** Resolves a `Range` header by RFC 9110 §14. One range only: several at once are `ignored`, as S3 does. */
export function resolveRange(header: string, size: number): Asked {
  const match = one.exec(header)
  if (!match) return 'ignored'
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? 'ignored' : suffix(BigInt(last), size)
  if (last !== '' && BigInt(last) < BigInt(first)) return 'ignored'
  if (BigInt(first) >= size) return 'unsatisfiable'
  const end = last === '' || BigInt(last) >= size ? size - 1 : Number(last)
  return { start: Number(first), end }
}

function suffix(length: bigint, size: number): Asked {
  if (length === 0n) return 'unsatisfiable'
  if (size === 0) return 'whole'
  return { start: length >= size ? 0 : size - Number(length), end: size - 1 }
}

/** The range of `get`, which must be met. @throws `invalid_argument` */
export function rangeOf(header: string, size: number): ByteRange | undefined {
  const asked = resolveRange(header, size)
  if (asked === 'whole') return undefined
  if (typeof asked === 'object') return asked
  const shown = JSON.stringify(header)
  if (asked === 'unsatisfiable') throw invalid(`range: ${shown} is beyond the object, which has ${size} bytes`)
  throw invalid(`range: ${shown} is not one range of bytes; write one such as 'bytes=0-99', 'bytes=100-' or 'bytes=-5'`)
}

/** The `Content-Range` value of a resolved range. */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`
}
