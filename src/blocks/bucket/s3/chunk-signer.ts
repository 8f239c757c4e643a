import { timingSafeEqual } from 'node:crypto'
import type { ChunkSigner } from './chunked.ts'
import { S3Error } from './error.ts'
import { hmac, scopeText, sha256, signingKey } from './sigv4.ts'
import type { Verified } from './verify.ts'

const emptyHash = sha256('')

/** Each chunk signs the one before it, the first one the request: none can be changed, dropped or moved. */
export function chunkSigner({ scope, signature }: Pick<Verified, 'scope' | 'signature'>, secret: string): ChunkSigner {
  const key = signingKey(secret, scope)
  let previous = signature
  const check = (kind: string, hashes: string[], given: string | undefined) => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, scope.date, scopeText(scope), previous, ...hashes].join('\n')
    const expected = hmac(key, text).toString('hex')
    if (given?.length !== expected.length || !timingSafeEqual(Buffer.from(given), Buffer.from(expected)))
      throw new S3Error('SignatureDoesNotMatch', 'the signature of a chunk does not match')
    previous = expected
  }
  return {
    chunk: (bytes, given) => check('PAYLOAD', [emptyHash, sha256(bytes)], given),
    trailer: (text, given) => check('TRAILER', [sha256(text)], given),
  }
}
