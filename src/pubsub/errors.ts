import type { Code } from '../errors.ts'

/** Numbers of gRPC. */
export const status = { canceled: 1, invalid: 3, deadline: 4, notFound: 5, alreadyExists: 6, failedPrecondition: 9 }

const byStatus: Record<number, Code> = {
  1: 'canceled',
  3: 'invalid_argument',
  4: 'timeout',
  5: 'not_found',
  6: 'already_exists',
  7: 'unauthorized',
  8: 'exhausted',
  9: 'conflict',
  10: 'unavailable',
  12: 'unsupported',
  14: 'unavailable',
  16: 'unauthorized',
}

/** gRPC's number of an error that came from a call, else undefined. */
export function statusOf(error: unknown): number | undefined {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: unknown }
  return typeof code === 'number' && typeof details === 'string' ? code : undefined
}

/** What the client's errors mean. Pure. */
export function codeOf(error: unknown): Code | undefined {
  const number = statusOf(error)
  if (number !== undefined) return byStatus[number] ?? 'internal'
  return error instanceof Error && /could not load the default credentials|invalid_grant/i.test(error.message)
    ? 'unauthorized'
    : undefined
}
