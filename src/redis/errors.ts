import { isAshlarError, type Code } from '../errors.ts'

/** What Redis answered, or what became of the connection. Unlike the client's own errors it carries no command and so no secret. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
  /** The first word of an error reply (`WRONGPASS` `OOM` …), or the system's code (`ECONNREFUSED`). */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * @param lost why the connection was lost last, where the client only says that it was
 */
export function cleaned(error: unknown, lost?: Error): Error {
  if (error instanceof RedisError || isAshlarError(error) || !(error instanceof Error)) return error as Error
  const { lastNodeError } = error as { lastNodeError?: Error }
  if (lastNodeError) return ofCluster(error.message, cleaned(lastNodeError, lost))
  if (!isLost(error)) return new RedisError(codeIn(error), error.message)
  const why = lost && !isLost(lost) ? lost : new RedisError('ECONNRESET', 'the connection to Redis was closed')
  return cleaned(why)
}

/** The client tells that no node served, and why the last one did not. */
function ofCluster(message: string, why: Error): RedisError {
  const { code } = why as { code?: string }
  return new RedisError(code && codes[code] ? code : 'CLUSTERDOWN', `${message} ${why.message}`)
}

function isLost({ name, message }: Error): boolean {
  return (
    name === 'MaxRetriesPerRequestError' ||
    /^(Connection is closed|Stream isn't writeable|Command aborted)/.test(message)
  )
}

function codeIn(error: Error): string {
  const { code } = error as { code?: string }
  if (code) return code
  if (error.message.startsWith('Socket timeout')) return 'ETIMEDOUT'
  return /^[A-Z]{2,}/.exec(error.message)?.[0] ?? 'ERR'
}

const codes: Record<string, Code> = {
  NOAUTH: 'unauthorized',
  WRONGPASS: 'unauthorized',
  NOPERM: 'unauthorized',
  OOM: 'exhausted',
  MISCONF: 'exhausted',
  LOADING: 'unavailable',
  MASTERDOWN: 'unavailable',
  NOREPLICAS: 'unavailable',
  READONLY: 'unavailable',
  CLUSTERDOWN: 'unavailable',
  TRYAGAIN: 'unavailable',
  BUSY: 'unavailable',
  UNBLOCKED: 'unavailable',
}

/** What Redis' replies mean. Network errors mean the same for all drivers. Pure. */
export function codeOf(error: unknown): Code | undefined {
  if (!(error instanceof RedisError)) return undefined
  if (/max number of clients/.test(error.message)) return 'unavailable'
  if (/unable to authenticate|invalid password|AUTH/.test(error.message) && error.code === 'ERR') return 'unauthorized'
  return codes[error.code]
}
