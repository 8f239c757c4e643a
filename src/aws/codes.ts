import type { Code } from '../errors.ts'

const byName: Record<string, Code> = {
  AccessDenied: 'unauthorized',
  AccessDeniedException: 'unauthorized',
  AuthorizationError: 'unauthorized',
  AuthorizationErrorException: 'unauthorized',
  CredentialsProviderError: 'unauthorized',
  ExpiredToken: 'unauthorized',
  ExpiredTokenException: 'unauthorized',
  IncompleteSignature: 'unauthorized',
  InvalidAccessKeyId: 'unauthorized',
  InvalidClientTokenId: 'unauthorized',
  InvalidSecurity: 'unauthorized',
  InvalidSignatureException: 'unauthorized',
  MissingAuthenticationToken: 'unauthorized',
  SignatureDoesNotMatch: 'unauthorized',
  UnrecognizedClientException: 'unauthorized',

  KMSThrottlingException: 'unavailable',
  KmsThrottled: 'unavailable',
  LimitExceededException: 'unavailable',
  OverLimit: 'unavailable',
  ProvisionedThroughputExceededException: 'unavailable',
  QueueDeletedRecently: 'unavailable',
  RequestThrottled: 'unavailable',
  RequestLimitExceeded: 'unavailable',
  ResourceInUseException: 'unavailable',
  Throttled: 'unavailable',
  ThrottledException: 'unavailable',
  Throttling: 'unavailable',
  ThrottlingException: 'unavailable',
  TooManyRequestsException: 'unavailable',

  BatchRequestTooLong: 'invalid_argument',
  InvalidMessageContents: 'invalid_argument',
  InvalidParameter: 'invalid_argument',
  InvalidParameterException: 'invalid_argument',
  InvalidParameterValue: 'invalid_argument',
  InvalidArgumentException: 'invalid_argument',

  NotFound: 'not_found',
  NotFoundException: 'not_found',
  QueueDoesNotExist: 'not_found',
  ResourceNotFoundException: 'not_found',
}

/** What the errors of the SDK and of the services mean; network errors are mapped for all drivers by `commonCode`. Pure. */
export function codeOf(error: unknown): Code | undefined {
  const { name, code, $metadata } = (error ?? {}) as {
    name?: string
    code?: string
    $metadata?: { httpStatusCode?: number }
  }
  // The SDK's handler calls a connection that was reset a timeout.
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'unavailable'
  const known = byName[name?.replace(/^.*\./, '') ?? '']
  if (known) return known
  if (error instanceof EntryRefused) return error.isFinal ? 'invalid_argument' : 'unavailable'
  const status = $metadata?.httpStatusCode ?? 0
  if (status >= 500 || status === 429) return 'unavailable'
  if (status === 401 || status === 403) return 'unauthorized'
  return undefined
}

/** An entry of a batch that was not taken: an answer of 200 says so entry by entry. Named as the service names the reason. */
export class EntryRefused extends Error {
  /** It would be refused again. */
  readonly isFinal: boolean

  constructor({ code, message, isFinal }: Refusal) {
    super(message === '' ? code : `${code}: ${message}`)
    this.name = code
    this.isFinal = isFinal
  }
}

/** A batch of which some entries were stored and others not. */
export class PartlyStored extends EntryRefused {
  constructor(stored: number, of: number, why: Refusal) {
    super(why)
    this.message = `${stored} of ${of} were stored; then one was refused: ${this.message}`
  }
}

/** Why one entry of a batch was not taken. */
export interface Refusal {
  code: string
  message: string
  /** The sender's fault: trying again does not help. */
  isFinal: boolean
}
