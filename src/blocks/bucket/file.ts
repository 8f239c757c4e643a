/**
 * Bytes in files, an index in SQLite: the driver of a service on one machine.
 *
 * URL: `file:` (the folder `buckets` in the service's own folder) or `file:///absolute/path`. Options: `public`, the address
 * where clients reach `endpoint` (default: the blueprint's public address). Needs Node 24 (it carries SQLite).
 * Several processes of one machine may use a folder at the same time; machines may not share one (no NFS, no SMB).
 * At rest: `<name>.<hash>/index.db` (SQLite, write-ahead log) and `<name>.<hash>/bytes/<2 hex>/<30 hex>`, one immutable file
 * for each version of an object, named at random. A file is synced before the index commits, and that before `put` returns.
 * Unsupported: nothing of the contract.
 */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { OpenContext } from '../../block.ts'
import type { Code } from '../../errors.ts'
import { meet } from './condition.ts'
import type { BucketCapabilities, BucketDriver, ByteRange, Listing, ObjectInfo, Presigning, Putting } from './driver.ts'
import { BucketFault, faultCode } from './fault.ts'
import { Files } from './file/files.ts'
import { Folder, makeFolder } from './file/folder.ts'
import { FileMultipart } from './file/multipart.ts'
import type { Entry } from './file/objects.ts'
import { openIndex } from './file/schema.ts'
import { Sweeper } from './file/sweep.ts'
import { sqliteCode } from './file/writer.ts'
import { Measure } from './measure.ts'
import type { Paging } from './page.ts'
import { S3Server } from './s3/server.ts'
import { folderOf } from './url.ts'

export async function open(context: OpenContext): Promise<FileDriver> {
  const path = folderOf(context)
  const s3 = S3Server.of(context, codeOf)
  await makeFolder(join(path, 'bytes'))
  const files = new Files(await openIndex(join(path, 'index.db')), new Folder(join(path, 'bytes')))
  return new FileDriver(files, new Sweeper(files, context.log), s3)
}

class FileDriver implements BucketDriver {
  readonly capabilities: BucketCapabilities = { limits: true, serves: true, maxKeyBytes: 1024, maxBytes: 2 ** 40 }
  readonly multipart: FileMultipart
  /** For operators and tests: runs by itself once an hour. */
  readonly sweeper: Sweeper
  readonly #files: Files
  readonly #s3: S3Server

  constructor(files: Files, sweeper: Sweeper, s3: S3Server) {
    this.#files = files
    this.sweeper = sweeper
    this.#s3 = s3
    this.multipart = new FileMultipart(files)
  }

  async put(key: string, body: Readable, options: Putting): Promise<ObjectInfo> {
    meet(options, this.#files.objects.find(key)?.info)
    const measure = new Measure(options)
    const file = await this.#files.folder.write(measure.of(body))
    const info: ObjectInfo = {
      key,
      size: measure.size,
      etag: measure.etag,
      contentType: options.contentType,
      modifiedAt: new Date(),
      metadata: options.metadata,
    }
    await this.#files.commit(file, () => {
      options.signal?.throwIfAborted()
      return [this.#files.place(info, file, options)]
    })
    return info
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    return this.#files.objects.find(key)?.info
  }

  async get(key: string, range?: (size: number, etag: string) => ByteRange | undefined) {
    for (let tries = 0; tries < 10; tries++) {
      const entry = this.#files.objects.find(key)
      if (!entry) return undefined
      const asked = range?.(entry.info.size, entry.info.etag)
      const body = await this.#read(entry, asked)
      if (body) return { info: entry.info, ...(asked && { range: asked }), body }
    }
    throw new BucketFault('lost', 'the index names a file that is not in its folder; restore it from a backup')
  }

  /** @returns undefined when the file went between look-up and opening: then the index knows a newer one */
  async #read({ info, file }: Entry, range: ByteRange | undefined): Promise<Readable | undefined> {
    const handle = await this.#files.folder.open(file)
    if (!handle) return undefined
    if ((await handle.stat()).size !== info.size) {
      await handle.close()
      throw new BucketFault('lost', 'the file of this object was changed from outside; restore it from a backup')
    }
    if (info.size > 0) return handle.createReadStream({ start: 0, end: info.size - 1, ...range })
    await handle.close()
    return Readable.from([])
  }

  async delete(keys: readonly string[]): Promise<void> {
    const { objects, folder } = this.#files
    const files = await this.#files.write(() => keys.map((key) => objects.remove(key)))
    await folder.remove(files.filter((file) => file !== undefined))
  }

  async list(paging: Paging): Promise<Listing> {
    return this.#files.objects.page(paging)
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
    return this.#files.objects.figures()
  }

  async close(): Promise<void> {
    await this.sweeper.stop()
    await this.#files.close()
  }
}

const sqliteCodes: Record<number, Code> = {
  5: 'unavailable',
  6: 'unavailable',
  13: 'exhausted',
  14: 'unavailable',
  8: 'unauthorized',
}
const systemCodes: Record<string, Code> = {
  ENOSPC: 'exhausted',
  EDQUOT: 'exhausted',
  EFBIG: 'exhausted',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  EACCES: 'unauthorized',
  EPERM: 'unauthorized',
  EROFS: 'unauthorized',
}

export function codeOf(error: unknown): Code | undefined {
  const { code = '' } = (error ?? {}) as { code?: string }
  return faultCode(error) ?? sqliteCodes[sqliteCode(error) ?? -1] ?? systemCodes[code]
}
