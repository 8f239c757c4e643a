import { randomBytes } from 'node:crypto'
import type { Log, OpenContext } from '../../../block.ts'
import { AshlarError, describe, type Code } from '../../../errors.ts'
import type { Presigning, S3Access } from '../driver.ts'
import { checkKey } from '../key.ts'
import { accessOf } from './access.ts'
import { bucketOperations } from './bucket.ts'
import { corsHeaders, preflight } from './cors.ts'
import { asS3Error, errorResponse, S3Error } from './error.ts'
import { linkTo, type Link } from './links.ts'
import { multipartOperations } from './multipart.ts'
import { objectOperations } from './objects.ts'
import type { Operation, Store } from './operation.ts'
import { refuseUnknownHeaders } from './strict.ts'
import { verify, type Verified } from './verify.ts'

const operations = [...objectOperations, ...multipartOperations, ...bucketOperations]

type CodeOf = (error: unknown) => Code | undefined

/** The S3 subset for one bucket: presigned links, and the endpoint that honours them and every signed request. */
export class S3Server {
  readonly #access: S3Access | AshlarError
  readonly #log: Log
  readonly #codeOf: CodeOf

  constructor(access: S3Access | AshlarError, log: Log, codeOf: CodeOf) {
    this.#access = access
    this.#log = log
    this.#codeOf = codeOf
  }

  static of(context: OpenContext, codeOf: CodeOf): S3Server {
    return new S3Server(accessOf(context), context.log, codeOf)
  }

  /** @throws `unsupported` without a secret or a public address */
  access(): S3Access {
    if (this.#access instanceof AshlarError) throw this.#access
    return this.#access
  }

  presign(key: string, options: Presigning, now = Date.now()): Link {
    return linkTo(key, this.access(), options, now)
  }

  /** Answers everything, refusals and failures included. */
  async serve(store: Store, request: Request, { maxBytes }: { maxBytes: number }, now = Date.now()): Promise<Response> {
    const id = randomBytes(8).toString('hex').toUpperCase()
    const response = await this.#answer(store, request, maxBytes, now).catch((error) =>
      this.#refuse(error, request, id),
    )
    response.headers.set('x-amz-request-id', id)
    if (!(this.#access instanceof AshlarError))
      for (const [name, value] of corsHeaders(request, this.#access)) response.headers.append(name, value)
    return response
  }

  async #answer(store: Store, request: Request, maxBytes: number, now: number): Promise<Response> {
    const access = this.access()
    if (request.method === 'OPTIONS') return preflight(request, access)
    const verified = verify(request, access, now)
    const { bucket, key } = targetOf(verified.path, access)
    if (bucket !== access.bucket) throw new S3Error('NoSuchBucket', 'The specified bucket does not exist')
    if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError', 'Your key is too long')
    const operation = operationFor(verified, key)
    refuseUnknownHeaders(verified)
    if (key !== '') checkKey(key)
    return operation.run({ store, request, verified, bucket, key, maxBytes, secret: access.secretAccessKey })
  }

  #refuse(error: unknown, request: Request, id: string): Response {
    const refusal = asS3Error(error, this.#codeOf)
    const path = new URL(request.url).pathname
    if (refusal.code === 'InternalError')
      this.#log.error({ error: describe(error), id, path }, 'bucket: a request failed')
    return errorResponse(refusal, path, id, request.method === 'HEAD')
  }
}

/** `/s3/<bucket>/<key>`, decoded already: a slash is a slash however it was written. */
function targetOf(path: string, { endpoint }: S3Access): { bucket: string; key: string } {
  const prefix = new URL(endpoint).pathname + '/'
  const [bucket = '', ...rest] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : []
  if (bucket === '') throw new S3Error('NotImplemented', `a request names a bucket: ${prefix}<bucket>/<key>`)
  return { bucket, key: rest.join('/') }
}

/** The operation that understands every parameter of the query. `x-id` is a name that SDKs add for logs. */
function operationFor({ method, query }: Verified, key: string): Operation {
  const of = key === '' ? 'bucket' : 'object'
  const given = [...query.keys()].filter((name) => name !== 'x-id')
  const found = operations.find(
    (each) =>
      each.method === method &&
      each.of === of &&
      each.marks.every((mark) => query.has(mark)) &&
      given.every((name) => each.marks.includes(name) || each.allows.includes(name)),
  )
  if (found) return found
  throw new S3Error(
    'NotImplemented',
    `${method} of ${of === 'bucket' ? 'a bucket' : 'an object'} with ?${given.join('&')} is not supported`,
  )
}
