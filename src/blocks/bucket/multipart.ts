import { replayable } from './body.ts'
import type { Bodies } from './bodies.ts'
import type { Body, Multipart, PutOptions } from './bucket.ts'
import { checkContentType, checkMetadata, checkPartNumber, checkParts, checkUpload } from './checks.ts'
import type { BucketDriver, ObjectInfo, Part } from './driver.ts'
import { checkKey } from './key.ts'
import type { Operations } from './operations.ts'

/** Uploads in parts, checked and coded like the rest of a bucket. */
export class OpenMultipart implements Multipart {
  readonly #driver: BucketDriver
  readonly #operations: Operations
  readonly #bodies: Bodies
  readonly #maxBytes: number

  constructor(driver: BucketDriver, operations: Operations, bodies: Bodies, maxBytes: number) {
    this.#driver = driver
    this.#operations = operations
    this.#bodies = bodies
    this.#maxBytes = maxBytes
  }

  async start(
    key: string,
    { contentType, metadata }: Pick<PutOptions, 'contentType' | 'metadata'> = {},
  ): Promise<string> {
    this.#check(key)
    const options = { contentType: checkContentType(contentType), metadata: checkMetadata(metadata) }
    return this.#operations.again('multipart.start', () => this.#driver.multipart.start(key, options))
  }

  async part(key: string, upload: string, number: number, body: Body): Promise<Part> {
    this.#check(key, upload)
    checkPartNumber(number)
    const send = () =>
      this.#bodies.send(body, undefined, (bytes) =>
        this.#driver.multipart.part(key, upload, number, bytes, this.#maxBytes),
      )
    return this.#operations[replayable(body) ? 'again' : 'run']('multipart.part', send)
  }

  async finish(key: string, upload: string, parts: readonly Part[]): Promise<ObjectInfo> {
    this.#check(key, upload)
    const named = checkParts(parts)
    const limits = { maxBytes: this.#maxBytes }
    return this.#operations.again('multipart.finish', () => this.#driver.multipart.finish(key, upload, named, limits))
  }

  async abort(key: string, upload: string): Promise<void> {
    this.#check(key, upload)
    await this.#operations.again('multipart.abort', () => this.#driver.multipart.abort(key, upload))
  }

  #check(key: string, upload?: string): void {
    checkKey(key, this.#driver.capabilities.maxKeyBytes)
    if (upload !== undefined) checkUpload(upload)
  }
}
