/** The closed set of reasons why an Ashlar operation fails. Every error that leaves a block carries one. */
export const codes = [
  'not_found',
  'already_exists',
  'conflict',
  'invalid_argument',
  'unauthorized',
  'unsupported',
  'exhausted',
  'timeout',
  'canceled',
  'unavailable',
  'closed',
  'internal',
] as const

/** One of `codes`. */
export type Code = (typeof codes)[number]

/** Where an error comes from, and whether to try again. */
export interface ErrorDetails {
  /** The block's name in the blueprint, or the name it was opened under. */
  block?: string
  /** The driver's URL scheme, without the colon. */
  driver?: string
  cause?: unknown
  /** True when the same call may succeed later. Default: true for `timeout` and `unavailable` only. */
  retryable?: boolean
}

/** The only error class that Ashlar's public API throws. */
export class AshlarError extends Error {
  override readonly name = 'AshlarError'
  readonly code: Code
  readonly retryable: boolean
  readonly block: string | undefined
  readonly driver: string | undefined

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? (code === 'timeout' || code === 'unavailable')
    this.block = details.block
    this.driver = details.driver
  }
}

/** True for an AshlarError, and only for one of this code when a code is given. */
export function isAshlarError(error: unknown, code?: Code): error is AshlarError {
  return error instanceof AshlarError && (code === undefined || error.code === code)
}

/** `invalid_argument`: the message names the value, the allowed range and the fix. */
export function invalid(message: string, details?: ErrorDetails): AshlarError {
  return new AshlarError('invalid_argument', message, details)
}

/**
 * A readable account of anything that was thrown, also of what is no Error (`undefined`, a string, a
 * circular object). At most `maxLength` characters, one line, secrets in URLs hidden.
 */
export function describe(thrown: unknown, maxLength = 500): string {
  const text = hideSecrets(rawText(thrown)).replace(/\s+/g, ' ').trim()
  return text.length > maxLength ? text.slice(0, maxLength - 1) + '…' : text
}

function rawText(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return thrown.errors.map(rawText).join('; ')
  if (thrown instanceof Error) return thrown.message || thrown.name
  if (typeof thrown === 'string') return thrown
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}

/** Replaces the password of every URL in a text by `***`. Use it on whatever goes to a log, a message or a page. */
export function hideSecrets(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]*(?:@[^\s@/]*)*@/gi, '$1:***@')
}

/** The beginning of a text, at most so long, and never half a character. */
export function clipped(text: string, length: number): string {
  const cut = text.slice(0, length)
  return /[\uD800-\uDBFF]$/.test(cut) && cut.length < text.length ? cut.slice(0, -1) : cut
}
