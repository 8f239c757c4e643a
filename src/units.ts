import { invalid } from './errors.ts'

/** A span of time: milliseconds as a number, or text such as `'250ms' '30s' '5m' '12h' '7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** An amount of bytes: a number, or text such as `'512kb' '10mb' '2gb'` (powers of 1024). */
export type Size = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`

/** How often: text such as `'50/s' '100/m' '1000/h'`. */
export type Rate = `${number}/${'s' | 'm' | 'h' | 'd'}`

const durationMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeBytes = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const

/** Inclusive bounds of an option, in its base unit (milliseconds, bytes). */
export interface Range {
  min?: number
  max?: number
}

/**
 * Reads a duration option as whole milliseconds.
 * @throws `invalid_argument` naming the option, the value and the range.
 */
export function toMs(option: string, value: Duration, range: Range = {}): number {
  return read(option, value, durationMs, range, "milliseconds, or text such as '250ms', '30s', '5m', '12h', '7d'")
}

/** Reads a size option as whole bytes. @throws `invalid_argument` */
export function toBytes(option: string, value: Size, range: Range = {}): number {
  return read(option, value, sizeBytes, range, "bytes, or text such as '512kb', '10mb', '2gb'")
}

/** Reads a rate option: how many in which window. @throws `invalid_argument` */
export function toRate(option: string, value: Rate): { count: number; perMs: number } {
  const match = /^(\d+(?:\.\d+)?)\/(s|m|h|d)$/.exec(value)
  const count = Number(match?.[1])
  if (!match || !(count > 0))
    throw invalid(
      `${option}: ${show(value)} is not a rate; write a count above 0 and a unit, such as '50/s', '100/m', '1000/h'`,
    )
  return { count, perMs: durationMs[match[2] as 's' | 'm' | 'h' | 'd'] }
}

/** Checks a whole-number option. @throws `invalid_argument` */
export function toCount(option: string, value: number, range: Range = {}): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw invalid(`${option}: ${show(value)} is not a whole number`)
  return within(option, value, value, range)
}

function read(
  option: string,
  value: number | string,
  units: Record<string, number>,
  range: Range,
  form: string,
): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(value) : null
  const factor = match ? (units[match[2]!] ?? NaN) : NaN
  const base = typeof value === 'number' ? value : Number(match?.[1]) * factor
  if (!Number.isFinite(base) || base < 0) throw invalid(`${option}: ${show(value)} is not valid; write ${form}`)
  return within(option, value, Math.round(base), range)
}

function within(
  option: string,
  written: unknown,
  value: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Range,
): number {
  if (value >= min && value <= max) return value
  throw invalid(`${option}: ${show(written)} is out of range; allowed is ${min} to ${max}`)
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
