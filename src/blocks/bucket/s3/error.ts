import { describe, isAshlarError, type Code } from '../../../errors.ts'
import { BucketFault, faultCode, type Reason } from '../fault.ts'
import { commonCode } from '../../../block.ts'
import { element, xml } from './xml.ts'

const statuses = {
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  RequestTimeout: 400,
  SignatureDoesNotMatch: 403,
  ServiceUnavailable: 503,
  XAmzContentSHA256Mismatch: 400,
} as const

export type S3Code = keyof typeof statuses

/** A refusal as S3 words it. The message goes to the client: never a secret. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3Code
  readonly headers: Record<string, string>

  constructor(code: S3Code, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

const reasons: Record<Reason, S3Code> = {
  exists: 'PreconditionFailed',
  changed: 'PreconditionFailed',
  missing: 'NoSuchKey',
  too_large: 'EntityTooLarge',
  full: 'ServiceUnavailable',
  wrong_size: 'IncompleteBody',
  wrong_checksum: 'BadDigest',
  no_upload: 'NoSuchUpload',
  bad_part: 'InvalidPart',
  part_order: 'InvalidPartOrder',
  small_part: 'EntityTooSmall',
  swept: 'ServiceUnavailable',
  lost: 'InternalError',
}

const codes: Partial<Record<Code, S3Code>> = {
  invalid_argument: 'InvalidArgument',
  exhausted: 'ServiceUnavailable',
  unavailable: 'ServiceUnavailable',
  closed: 'ServiceUnavailable',
  timeout: 'RequestTimeout',
  canceled: 'IncompleteBody',
}

/** Any error as an S3 refusal. What went wrong inside is not told to the client. */
export function asS3Error(error: unknown, codeOf: (error: unknown) => Code | undefined): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof BucketFault) return new S3Error(reasons[error.reason], error.message)
  const code = isAshlarError(error) ? error.code : (codeOf(error) ?? faultCode(error) ?? commonCode(error))
  const known = codes[code] ?? 'InternalError'
  const told = isAshlarError(error, 'invalid_argument')
    ? describe(error)
    : 'the request could not be carried out; try again'
  return new S3Error(known, told)
}

export function errorResponse(error: S3Error, resource: string, requestId: string, head: boolean): Response {
  const body = element('Error', [
    element('Code', error.code),
    element('Message', error.message),
    element('Resource', resource),
    element('RequestId', requestId),
  ])
  const headers = { 'content-type': 'application/xml', ...error.headers }
  return new Response(head ? null : xml(body), { status: statuses[error.code], headers })
}
