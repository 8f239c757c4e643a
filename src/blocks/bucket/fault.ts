import type { Code } from '../../errors.ts'

/** Why a driver that keeps the bytes itself refuses: the portable type makes an Ashlar code of it, the endpoint an S3 code. */
export type Reason = keyof typeof codes

const codes = {
  exists: 'already_exists',
  changed: 'conflict',
  missing: 'conflict',
  too_large: 'exhausted',
  full: 'exhausted',
  wrong_size: 'invalid_argument',
  wrong_checksum: 'invalid_argument',
  no_upload: 'not_found',
  bad_part: 'invalid_argument',
  part_order: 'invalid_argument',
  small_part: 'invalid_argument',
  swept: 'unavailable',
  lost: 'internal',
} as const satisfies Record<string, Code>

/** A raw error of the `memory` and `file` drivers. */
export class BucketFault extends Error {
  override readonly name = 'BucketFault'
  readonly reason: Reason

  constructor(reason: Reason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The Ashlar code of a fault; nothing for any other error. */
export function faultCode(error: unknown): Code | undefined {
  return error instanceof BucketFault ? codes[error.reason] : undefined
}
