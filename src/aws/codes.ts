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
  if (error instanceof PartlyStored) return error.refused ? 'invalid_argument' : 'unavailable'
  const { name, $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } }
  const known = byName[name?.replace(/^.*\./, '') ?? '']
  if (known) return known
  const status = $metadata?.httpStatusCode ?? 0
  if (status >= 500 || status === 429) return 'unavailable'
  if (status === 401 || status === 403) return 'unauthorized'
  return undefined
}

/** A batch of which some entries were stored and others not: an answer of 200 says so entry by entry. */
export class PartlyStored extends Error {
  override readonly name = 'PartlyStored'
  readonly stored: number
  /** It will be refused again. */
  readonly refused: boolean

  constructor(stored: number, of: number, why: Refusal) {
    super(`${stored} of ${of} were stored; the next one was refused: ${why.code}: ${why.message}`)
    this.stored = stored
    this.refused = why.isFinal
  }
}

/** Why one entry of a batch was not taken. */
export interface Refusal {
  code: string
  message: string
  /** The sender's fault: trying again does not help. */
  isFinal: boolean
}
