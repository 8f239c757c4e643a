import type { Health, Stats } from '../../block.ts'
import type { OpenedDriver } from '../../declare.ts'
import { invalid } from '../../errors.ts'
import { healthOf } from '../../lease/health.ts'
import { count, gauge } from '../../telemetry.ts'
import { toBytes, toCount, toMs } from '../../units.ts'
import { Bodies } from './bodies.ts'
import { replayable } from './body.ts'
import type {
  Body,
  Bucket,
  DownloadLinkOptions,
  ListOptions,
  PutOptions,
  StoredObject,
  UploadLinkOptions,
} from './bucket.ts'
import { checkContentType, checkPutting } from './checks.ts'
import { attachment } from './disposition.ts'
import type { BucketDriver, Listing, ObjectInfo, Presigning, S3Access } from './driver.ts'
import { checkKey, wellFormed } from './key.ts'
import { OpenMultipart } from './multipart.ts'
import { Operations } from './operations.ts'
import { rangeOf } from './range.ts'
import { storedObject } from './stored.ts'

export interface Parts extends OpenedDriver<BucketDriver> {
  name: string
  maxBytes: number
  /** How long a body may stand still. Default 60,000. */
  idleMs?: number
}

const closeMs = 10_000
const linkMs = { min: 1000, max: 7 * 24 * 3_600_000 }
const largestDelete = 1000

/** The portable bucket: checks what is asked, gives errors their codes, retries, measures, and bounds every wait. */
export class OpenBucket implements Bucket {
  readonly kind = 'bucket'
  readonly name: string
  readonly driver: string
  readonly multipart: OpenMultipart
  readonly endpoint: Bucket['endpoint']
  readonly #driver: BucketDriver
  readonly #maxBytes: number
  readonly #operations: Operations
  readonly #bodies: Bodies
  readonly #gauges: (() => void)[]
  #closing: Promise<void> | undefined

  constructor(of: Parts) {
    const { driver } = of
    this.name = of.name
    this.driver = of.scheme
    this.#driver = driver
    this.#maxBytes = Math.min(of.maxBytes, driver.capabilities.maxBytes)
    this.#operations = new Operations(of)
    this.#bodies = new Bodies(this.#operations, of.idleMs ?? 60_000)
    this.multipart = new OpenMultipart(driver, this.#operations, this.#bodies, this.#maxBytes)
    this.endpoint = driver.endpoint && ((request) => this.#serve(request))
    this.#gauges = [this.#gauge('objects', 'Objects in a bucket'), this.#gauge('bytes', 'Bytes in a bucket')]
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectInfo> {
    this.#check(key)
    const putting = checkPutting(options, this.#maxBytes)
    const send = () => this.#bodies.send(body, options.signal, (bytes) => this.#driver.put(key, bytes, putting))
    // A condition may hold the first time and, by our own doing, not the second.
    const repeatable = replayable(body) && putting.ifMatch === undefined && putting.ifNoneMatch === undefined
    const info = await this.#operations[repeatable ? 'again' : 'run']('put', send)
    this.#count('written', info.size)
    return info
  }

  async get(key: string, { range }: { range?: string } = {}): Promise<StoredObject | undefined> {
    this.#check(key)
    const asked = range === undefined ? undefined : (size: number) => rangeOf(range, size)
    const found = await this.#operations.again('get', () => this.#driver.get(key, asked))
    if (!found) return undefined
    this.#count('read', found.range ? found.range.end - found.range.start + 1 : found.info.size)
    return storedObject(found.info, found.range, this.#bodies.receive(found.body, key))
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    this.#check(key)
    return this.#operations.again('head', () => this.#driver.head(key))
  }

  async delete(key: string | readonly string[]): Promise<void> {
    const keys = typeof key === 'string' ? [key] : key
    for (const each of keys) this.#check(each)
    for (let at = 0; at < keys.length; at += largestDelete) {
      const some = keys.slice(at, at + largestDelete)
      await this.#operations.again('delete', () => this.#driver.delete(some))
    }
  }

  async list({ prefix = '', after, delimiter, limit = 1000 }: ListOptions = {}): Promise<Listing> {
    if (delimiter === '') throw invalid("delimiter: '' is not allowed; leave it out, or write one such as '/'")
    const paging = {
      prefix: wellFormed('prefix', prefix),
      limit: toCount('limit', limit, { min: 1, max: 1000 }),
      ...(after ? { after: wellFormed('after', after) } : {}),
      ...(delimiter === undefined ? {} : { delimiter: wellFormed('delimiter', delimiter) }),
    }
    return this.#operations.again('list', () => this.#driver.list(paging))
  }

  async uploadLink(key: string, { expires = '15m', contentType, maxBytes }: UploadLinkOptions = {}) {
    this.#check(key)
    const { limits } = this.#driver.capabilities
    if (maxBytes !== undefined && !limits)
      throw this.#operations.error('unsupported', `${this.driver} cannot enforce maxBytes on a link; leave it out`)
    const allowed = toBytes('maxBytes', maxBytes ?? this.#maxBytes, { max: this.#maxBytes })
    const options: Presigning = {
      method: 'PUT',
      expiresMs: toMs('expires', expires, linkMs),
      ...(contentType === undefined ? {} : { contentType: checkContentType(contentType) }),
      ...(limits ? { maxBytes: allowed } : {}),
    }
    return this.#operations.run('uploadLink', () => this.#driver.presign(key, options))
  }

  async downloadLink(key: string, { expires = '15m', downloadAs }: DownloadLinkOptions = {}) {
    this.#check(key)
    const expiresMs = toMs('expires', expires, linkMs)
    if (downloadAs !== undefined) attachment(downloadAs)
    const options: Presigning = { method: 'GET', expiresMs, ...(downloadAs === undefined ? {} : { downloadAs }) }
    const { url, expiresAt } = await this.#operations.run('downloadLink', () => this.#driver.presign(key, options))
    return { url, expiresAt }
  }

  access(): S3Access {
    if (this.#driver.access) return this.#driver.access()
    throw this.#operations.error('unsupported', `${this.driver} has credentials of its own; use those`)
  }

  async health(): Promise<Health> {
    return healthOf(this.stats())
  }

  async stats(): Promise<Stats> {
    return this.#operations.again('stats', async () => ({ ...(await this.#driver.stats()) }))
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const remove of this.#gauges) remove()
    await this.#operations.close(closeMs)
    this.#bodies.closeAll()
    await this.#driver.close()
  }

  #serve(request: Request): Promise<Response> {
    if (this.#operations.closed) return Promise.resolve(new Response(null, { status: 503 }))
    return this.#operations.run('endpoint', () => this.#driver.endpoint!(request, { maxBytes: this.#maxBytes }))
  }

  #check(key: string): void {
    checkKey(key, this.#driver.capabilities.maxKeyBytes)
  }

  #count(direction: 'read' | 'written', bytes: number): void {
    const labels = { block: this.name, driver: this.driver, direction }
    count('ashlar_bucket_moved_bytes_total', 'Bytes that went in or out of a bucket', labels, bytes)
  }

  #gauge(what: 'objects' | 'bytes', help: string): () => void {
    const labels = { block: this.name, driver: this.driver }
    return gauge(`ashlar_bucket_${what}`, help, labels, async () => (await this.#driver.stats())[what])
  }
}
