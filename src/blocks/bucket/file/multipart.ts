import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { meet, type Condition } from '../condition.ts'
import type { BucketDriver, ObjectInfo, Part, Putting } from '../driver.ts'
import { BucketFault } from '../fault.ts'
import { Measure } from '../measure.ts'
import { choose, etagOf, sizeOf } from '../parts.ts'
import type { Files } from './files.ts'
import type { StoredPart, Upload } from './objects.ts'

/** Uploads in parts: each part is a file of its own; finishing copies them into one and commits it like any other put. */
export class FileMultipart implements Required<BucketDriver['multipart']> {
  readonly #files: Files

  constructor(files: Files) {
    this.#files = files
  }

  async start(key: string, { contentType, metadata }: Pick<Putting, 'contentType' | 'metadata'>): Promise<string> {
    const id = randomBytes(16).toString('hex')
    await this.#files.write(() => this.#files.objects.openUpload(id, { key, contentType, metadata }))
    return id
  }

  async part(key: string, id: string, number: number, body: Readable, maxBytes: number): Promise<Part> {
    this.#open(key, id)
    const measure = new Measure({ maxBytes })
    const file = await this.#files.folder.write(measure.of(body))
    const part = { number, etag: measure.etag, size: measure.size }
    await this.#files.commit(file, () => {
      this.#open(key, id)
      return [this.#files.objects.setPart(id, { ...part, file })]
    })
    return part
  }

  async finish(
    key: string,
    id: string,
    named: readonly Part[],
    limits: Condition & { maxBytes: number },
  ): Promise<ObjectInfo> {
    const upload = this.#find(key, id)
    if (upload.result) return upload.result
    meet(limits, this.#files.objects.find(key)?.info)
    const parts = choose(this.#files.objects.parts(id), named, limits.maxBytes)
    const file = await this.#files.folder.write(this.#join(parts))
    const info = { ...describing(upload), size: sizeOf(parts), etag: etagOf(parts), modifiedAt: new Date() }
    await this.#files.commit(file, () => {
      this.#open(key, id)
      this.#files.objects.finishUpload(id, info)
      return [...this.#files.objects.dropParts(id), this.#files.place(info, file, limits)]
    })
    return info
  }

  async abort(key: string, id: string): Promise<void> {
    const upload = this.#files.objects.upload(id)
    if (upload?.key !== key || upload.result) return
    const files = await this.#files.write(() => this.#files.objects.dropUpload(id))
    await this.#files.folder.remove(files)
  }

  async *#join(parts: readonly StoredPart[]): AsyncGenerator<Buffer> {
    for (const part of parts) {
      const handle = await this.#files.folder.open(part.file)
      if (!handle) throw new BucketFault('no_upload', 'the upload was finished or aborted meanwhile')
      yield* handle.createReadStream({ highWaterMark: 256 * 1024 })
    }
  }

  #find(key: string, id: string): Upload {
    const upload = this.#files.objects.upload(id)
    if (upload?.key === key) return upload
    throw new BucketFault('no_upload', 'there is no such upload; it was aborted, is more than 7 days old, or never was')
  }

  #open(key: string, id: string): void {
    if (this.#find(key, id).result) throw new BucketFault('no_upload', 'the upload is finished')
  }
}

function describing({ key, contentType, metadata }: Upload): Pick<ObjectInfo, 'key' | 'contentType' | 'metadata'> {
  return { key, contentType, metadata }
}
