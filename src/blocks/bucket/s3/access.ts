import { createHmac } from 'node:crypto'
import type { OpenContext } from '../../../block.ts'
import { engineName } from '../../../declare.ts'
import { AshlarError } from '../../../errors.ts'
import type { S3Access } from '../driver.ts'
import { parseOwnUrl } from '../url.ts'

/** The credentials of a bucket follow from the service's secret: every process knows them, nothing is stored. */
export function accessOf(context: OpenContext): S3Access | AshlarError {
  const { publicUrl } = parseOwnUrl(context)
  const bucket = engineName(context)
  if (context.secret.length < 32) return missing(context, 'a secret of 32 characters or more: set ASHLAR_SECRET')
  if (publicUrl === undefined)
    return missing(context, 'the address at which clients reach it: add ?public=https://… to its URL')
  return {
    endpoint: `${publicUrl}/s3`,
    bucket,
    region: 'us-east-1',
    accessKeyId: 'ASHLAR' + derived(context.secret, 'id', bucket).toString('hex').slice(0, 14).toUpperCase(),
    secretAccessKey: derived(context.secret, 'key', bucket).toString('base64url'),
  }
}

function derived(secret: string, what: string, bucket: string): Buffer {
  return createHmac('sha256', secret).update(`ashlar bucket access ${what}\n${bucket}`).digest()
}

function missing({ name }: OpenContext, what: string): AshlarError {
  return new AshlarError('unsupported', `${name}: links and the S3 endpoint need ${what}`)
}
