import type { Readable } from 'node:stream'

export interface ObjectInfo {
  key: string
  size: number
  /** Quoted, as in HTTP. Changes with the content. */
  etag: string
  contentType: string
  modifiedAt: Date
  /** User metadata: lower-case names, text values, 2 KB in all. */
  metadata: Record<string, string>
}

export interface Putting {
  contentType: string
  metadata: Record<string, string>
  /** Known length, if any; a body of another length is refused. */
  size?: number
  /** Reading more is refused (`exhausted`) and nothing is stored. */
  maxBytes: number
  /** '*': only if there is none yet. */
  ifNoneMatch?: '*'
  /** Only over this very version. */
  ifMatch?: string
  /** Base64 of the body's SHA-256; another body is refused. */
  sha256?: string
  signal?: AbortSignal
}

/** Inclusive, already resolved against the size. */
export interface ByteRange {
  start: number
  end: number
}

export interface Listing {
  objects: ObjectInfo[]
  /** With a delimiter: common prefixes. */
  prefixes: string[]
  /** Pass as `after` for the next page: the last entry of this one, a key or a common prefix. */
  next?: string
}

/** How an S3 client of the user reaches what a driver serves itself. */
export interface S3Access {
  /** Pass to a client with path-style addressing. */
  endpoint: string
  bucket: string
  /** Any region is accepted; this one is what links are signed with. */
  region: string
  accessKeyId: string
  secretAccessKey: string
}

export interface Presigning {
  method: 'GET' | 'PUT'
  expiresMs: number
  contentType?: string
  /** Enforced while reading where `limits` is declared, else refused. */
  maxBytes?: number
  /** GET: file name to save as. */
  downloadAs?: string
}

export interface BucketCapabilities {
  /** A presigned upload's `maxBytes` is enforced. */
  limits: boolean
  /** The driver serves presigned URLs itself, through `endpoint`. */
  serves: boolean
  maxKeyBytes: number
  maxBytes: number
}

export interface Part {
  number: number
  etag: string
  size: number
}

/**
 * What a bucket driver promises: an object is whole or absent, durable when `put` returns, the last writer wins unless a
 * condition is given; a reader sees one version to its end. Keys are opaque UTF-8, compared byte by byte, listed in that
 * order; never normalised. A body that fails or ends early stores nothing and rejects with the body's own error.
 * A refusal after the body ended leaves nothing behind either. Raw errors; see `fault.ts` for those of the built-in drivers.
 */
export interface BucketDriver {
  readonly capabilities: BucketCapabilities
  put(key: string, body: Readable, options: Putting): Promise<ObjectInfo>
  head(key: string): Promise<ObjectInfo | undefined>
  /**
   * `range` is asked of the object's size and etag in one step, so that all are of the same version; what it throws passes.
   * The caller reads or destroys the body: it holds a file or a connection.
   */
  get(
    key: string,
    range?: (size: number, etag: string) => ByteRange | undefined,
  ): Promise<{ info: ObjectInfo; range?: ByteRange; body: Readable } | undefined>
  /** At most 1000 keys; those that are not there do not matter. */
  delete(keys: readonly string[]): Promise<void>
  /** Entries (keys, or with a delimiter common prefixes) in byte order, those after `after` only; `limit` 1 to 1000. */
  list(options: { prefix: string; after?: string; delimiter?: string; limit: number }): Promise<Listing>
  presign(key: string, options: Presigning): Promise<{ url: string; headers: Record<string, string>; expiresAt: Date }>
  /**
   * Large uploads in parts; `start` opens one, `finish` makes the object of the named parts in order, `abort` drops all and
   * may be repeated. Parts are numbered 1 to 10,000 and have 5 MiB or more, but for the last. `finish` again answers as before.
   */
  readonly multipart: {
    start(key: string, options: Pick<Putting, 'contentType' | 'metadata'>): Promise<string>
    part(key: string, upload: string, number: number, body: Readable, maxBytes: number): Promise<Part>
    finish(
      key: string,
      upload: string,
      parts: readonly Part[],
      limits: Pick<Putting, 'maxBytes' | 'ifNoneMatch' | 'ifMatch'>,
    ): Promise<ObjectInfo>
    abort(key: string, upload: string): Promise<void>
  }
  /** The S3 subset over HTTP, for a driver that has no server of its own: path-style, SigV4. Never throws. */
  endpoint?(request: Request, limits: { maxBytes: number }): Promise<Response>
  /** Credentials for that endpoint. */
  access?(): S3Access
  stats(): Promise<{ objects: number; bytes: number }>
  close(): Promise<void>
}
