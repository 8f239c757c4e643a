import type { Code } from '../errors.ts'

/** What went wrong between us and a NATS server, where the client has no error for it. */
export class NatsFault extends Error {
  override readonly name = 'NatsFault'
  readonly code: Code

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The number of an error of JetStream's API, as its client's errors and our own requests carry it. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault'
  readonly number: number

  constructor({ err_code: number, description }: { err_code?: number; description?: string }) {
    super(`JetStream: ${description ?? 'an error without a description'}`)
    this.number = number ?? 0
  }
}

export const apiNumbers = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  noMessage: 10037,
  nameInUse: 10058,
  wrongLast: 10071,
}

const byNumber: Record<number, Code> = {
  10002: 'exhausted', // maximum consumers
  10023: 'exhausted', // insufficient resources
  10026: 'exhausted', // maximum consumers of the account
  10027: 'exhausted', // maximum streams of the account
  10028: 'exhausted', // account's resources
  10047: 'exhausted', // insufficient storage
  10008: 'unavailable', // system temporarily unavailable
  10009: 'unavailable', // no leader now
  10077: 'exhausted', // the stream is full
  10054: 'invalid_argument', // message larger than the stream takes
  [apiNumbers.wrongLast]: 'conflict',
  10164: 'conflict',
  10176: 'unavailable', // a batch of which a part was lost
  10210: 'unavailable', // too many batches under way
}

const byName: Record<string, Code> = {
  AuthorizationError: 'unauthorized',
  UserAuthenticationExpiredError: 'unauthorized',
  PermissionViolationError: 'unauthorized',
  ClosedConnectionError: 'unavailable',
  DrainingConnectionError: 'unavailable',
  ConnectionError: 'unavailable',
  NoResponders: 'unavailable',
  JetStreamNotEnabled: 'unavailable',
}

/** The number of an error of the API, 0 of another. */
export function numberOf(error: unknown): number {
  if (error instanceof ApiFault) return error.number
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown }
  return typeof code === 'number' && /^(JetStreamApiError|ConsumerNotFoundError|StreamNotFoundError)$/.test(name ?? '')
    ? code
    : 0
}

/** What a driver's errors mean. Network errors and timeouts mean the same for all drivers. Pure. */
export function codeOf(error: unknown): Code | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof NatsFault) return error.code
  const number = numberOf(error)
  if (number > 0) return byNumber[number] ?? 'internal'
  if (error.name === 'RequestError') return codeOf(error.cause) ?? 'unavailable'
  return byName[error.name]
}

/** True for the answer that there is nobody who could answer: no such consumer, or JetStream is not up. */
export function isNoResponder(error: unknown): boolean {
  const { name, cause } = (error ?? {}) as { name?: string; cause?: { name?: string } }
  return name === 'NoResponders' || cause?.name === 'NoResponders'
}
