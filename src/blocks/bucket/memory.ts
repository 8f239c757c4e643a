/**
 * Objects in this process, for tests and trials: gone when it ends.
 *
 * URL: `memory:` is a store of its own; `memory:NAME` is one store for each process and name, kept until the process ends.
 * Options: `public`, the address where clients reach `endpoint` (default: the blueprint's public address).
 * A store holds at most 1 GiB; more is refused (`exhausted`). Unsupported: nothing of the contract, durability aside.
 */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { meet, type Condition } from './condition.ts'
import type { BucketCapabilities, BucketDriver, ByteRange, ObjectInfo, Part, Presigning, Putting } from './driver.ts'
import { BucketFault, faultCode } from './fault.ts'
import { Measure } from './measure.ts'
import { pageOf, type Paging } from './page.ts'
import { choose, etagOf, sizeOf } from './parts.ts'
import { S3Server } from './s3/server.ts'
import { parseOwnUrl } from './url.ts'

const largestStoreBytes = 1024 ** 3
const mostUploads = 10_000

interface Version {
  info: ObjectInfo
  bytes: Buffer
}

type StoredPart = Part & { bytes: Buffer }

interface Upload extends Pick<Putting, 'contentType' | 'metadata'> {
  key: string
  parts: Map<number, StoredPart>
  result?: ObjectInfo
}

class Store {
  readonly objects = new Map<string, Version>()
  readonly uploads = new Map<string, Upload>()

  /** Finished uploads are remembered only so that finishing again answers the same: the oldest goes. @throws BucketFault `full` */
  makeRoom(): void {
    if (this.uploads.size < mostUploads) return
    const finished = [...this.uploads].find(([, { result }]) => result)
    if (!finished) throw new BucketFault('full', `a memory store holds at most ${mostUploads} uploads`)
    this.uploads.delete(finished[0])
  }

  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.objects.values()) sum += bytes.length
    for (const { parts } of this.uploads.values()) sum += sizeOf([...parts.values()])
    return sum
  }
}

const named = new Map<string, Store>()

export async function open(context: OpenContext): Promise<MemoryDriver> {
  const { base } = parseOwnUrl(context)
  return new MemoryDriver(storeOf(base.slice('memory:'.length), engineName(context)), S3Server.of(context, codeOf))
}

function storeOf(name: string, engine: string): Store {
  const id = `${name} ${engine}`
  const store = named.get(id) ?? new Store()
  if (name !== '') named.set(id, store)
  return store
}

class MemoryDriver implements BucketDriver {
  readonly capabilities: BucketCapabilities = {
    limits: true,
    serves: true,
    maxKeyBytes: 1024,
    maxBytes: largestStoreBytes,
  }
  readonly multipart: BucketDriver['multipart'] = {
    start: (key, options) => this.#start(key, options),
    part: (...given) => this.#part(...given),
    finish: (...given) => this.#finish(...given),
    abort: (key, id) => this.#abort(key, id),
  }
  readonly #store: Store
  readonly #s3: S3Server

  constructor(store: Store, s3: S3Server) {
    this.#store = store
    this.#s3 = s3
  }

  async put(key: string, body: Readable, options: Putting): Promise<ObjectInfo> {
    meet(options, this.#store.objects.get(key)?.info)
    const measure = new Measure(options)
    const bytes = await this.#collect(measure, body)
    options.signal?.throwIfAborted()
    const { contentType, metadata } = options
    return this.#place(
      { key, contentType, metadata, size: bytes.length, etag: measure.etag, modifiedAt: new Date() },
      bytes,
      options,
    )
  }

  async #collect(measure: Measure, body: Readable): Promise<Buffer> {
    const room = largestStoreBytes - this.#store.bytes
    const chunks: Buffer[] = []
    for await (const chunk of measure.of(body)) {
      if (measure.size > room) throw new BucketFault('full', `a memory store holds at most ${largestStoreBytes} bytes`)
      chunks.push(Buffer.from(chunk))
    }
    return Buffer.concat(chunks)
  }

  #place(info: ObjectInfo, bytes: Buffer, condition: Condition): ObjectInfo {
    meet(condition, this.#store.objects.get(info.key)?.info)
    this.#store.objects.set(info.key, { info: structuredClone(info), bytes })
    return info
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    return structuredClone(this.#store.objects.get(key)?.info)
  }

  async get(key: string, range?: (size: number, etag: string) => ByteRange | undefined) {
    const version = this.#store.objects.get(key)
    if (!version) return undefined
    const asked = range?.(version.info.size, version.info.etag)
    const bytes = asked ? version.bytes.subarray(asked.start, asked.end + 1) : version.bytes
    const body = Readable.from(slices(bytes), { objectMode: false })
    return { info: structuredClone(version.info), ...(asked && { range: asked }), body }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#store.objects.delete(key)
  }

  async list(paging: Paging) {
    const sorted = [...this.#store.objects.values()].map(({ info }) => ({ info, bytes: Buffer.from(info.key) }))
    sorted.sort((left, right) => Buffer.compare(left.bytes, right.bytes))
    return pageOf(paging, (from, inclusive, count) => {
      const at = sorted.findIndex(({ bytes }) => Buffer.compare(bytes, from) >= (inclusive ? 0 : 1))
      return at < 0 ? [] : sorted.slice(at, at + count).map(({ info }) => structuredClone(info))
    })
  }

  async presign(key: string, options: Presigning) {
    return this.#s3.presign(key, options)
  }

  async endpoint(request: Request, limits: { maxBytes: number }): Promise<Response> {
    return this.#s3.serve(this, request, limits)
  }

  access() {
    return this.#s3.access()
  }

  async stats(): Promise<{ objects: number; bytes: number }> {
    let bytes = 0
    for (const version of this.#store.objects.values()) bytes += version.bytes.length
    return { objects: this.#store.objects.size, bytes }
  }

  async close(): Promise<void> {}

  async #start(key: string, { contentType, metadata }: Pick<Putting, 'contentType' | 'metadata'>): Promise<string> {
    const id = randomBytes(16).toString('hex')
    this.#store.makeRoom()
    this.#store.uploads.set(id, { key, contentType, metadata, parts: new Map() })
    return id
  }

  async #part(key: string, id: string, number: number, body: Readable, maxBytes: number): Promise<Part> {
    this.#openUpload(key, id)
    const measure = new Measure({ maxBytes })
    const bytes = await this.#collect(measure, body)
    const part = { number, etag: measure.etag, size: bytes.length }
    this.#openUpload(key, id).parts.set(number, { ...part, bytes })
    return part
  }

  async #finish(
    key: string,
    id: string,
    parts: readonly Part[],
    limits: Condition & { maxBytes: number },
  ): Promise<ObjectInfo> {
    const upload = this.#findUpload(key, id)
    if (upload.result) return structuredClone(upload.result)
    const chosen = choose([...upload.parts.values()], parts, limits.maxBytes)
    const { contentType, metadata } = upload
    const info = { key, contentType, metadata, size: sizeOf(chosen), etag: etagOf(chosen), modifiedAt: new Date() }
    upload.result = this.#place(info, Buffer.concat(chosen.map(({ bytes }) => bytes)), limits)
    upload.parts.clear()
    return structuredClone(info)
  }

  async #abort(key: string, id: string): Promise<void> {
    const upload = this.#store.uploads.get(id)
    if (upload?.key === key && !upload.result) this.#store.uploads.delete(id)
  }

  #findUpload(key: string, id: string): Upload {
    const upload = this.#store.uploads.get(id)
    if (upload?.key === key) return upload
    throw new BucketFault('no_upload', 'there is no such upload; it was aborted, or never was')
  }

  #openUpload(key: string, id: string): Upload {
    const upload = this.#findUpload(key, id)
    if (upload.result) throw new BucketFault('no_upload', 'the upload is finished')
    return upload
  }
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

export function codeOf(error: unknown): Code | undefined {
  return faultCode(error)
}
