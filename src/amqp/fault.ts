import { AshlarError, type Code } from '../errors.ts'

/** What RabbitMQ said, or what became of the link, without the secrets of a URL. */
export class AmqpError extends Error {
  override readonly name = 'AmqpError'
  /** AMQP's reply code (403, 404 …), a code of the system (`ECONNREFUSED`), or one of `faults`. */
  readonly code: string

  constructor(code: string | number, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = String(code)
  }
}

/** No reply of the server stands for these. */
export const faults = {
  /** Blocked by an alarm: memory or disk. */
  blocked: 'BLOCKED',
  /** It refused to keep a message, or could not tell that it does. */
  nacked: 'NACKED',
  /** No queue takes the message. */
  unroutable: 'UNROUTABLE',
  lost: 'LOST',
  silent: 'SILENT',
} as const

/** Any error of the client as one of ours. */
export function faultOf(error: unknown): AmqpError | AshlarError {
  if (error instanceof AmqpError || error instanceof AshlarError) return error
  const { code, message = String(error) } = (error ?? {}) as { code?: string | number; message?: string }
  if (code !== undefined) return new AmqpError(code, message)
  const reply = /\b([345]\d\d) \(/.exec(message)?.[1]
  if (reply) return new AmqpError(reply, message)
  if (/ETIMEDOUT|Heartbeat timeout/.test(message)) return new AmqpError(faults.silent, 'RabbitMQ does not answer')
  if (/clos|ended|abruptly/i.test(message))
    return new AmqpError(faults.lost, `the link to RabbitMQ was lost: ${message}`)
  return new AmqpError('UNKNOWN', message)
}

const codes: Record<string, Code> = {
  [faults.blocked]: 'unavailable',
  [faults.nacked]: 'unavailable',
  [faults.unroutable]: 'unavailable',
  [faults.lost]: 'unavailable',
  [faults.silent]: 'timeout',
  // A resource is locked by another connection, or a quota of connections or queues is used up.
  405: 'conflict',
  311: 'invalid_argument',
  320: 'unavailable',
  403: 'unauthorized',
  404: 'not_found',
  406: 'conflict',
  506: 'exhausted',
  530: 'unauthorized',
  541: 'unavailable',
}

/** What RabbitMQ's replies mean. Network errors mean the same for all drivers. Pure. */
export function codeOf(error: unknown): Code | undefined {
  return error instanceof AmqpError ? codes[error.code] : undefined
}
