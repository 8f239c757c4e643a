import type { Readable } from 'node:stream'
import type { Block, BlockOptions } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Duration, Size } from '../../units.ts'
import type { BucketDriver, ByteRange, Listing, ObjectInfo, Part, S3Access } from './driver.ts'

export interface BucketOptions extends BlockOptions {
  /** Largest object. Default '5gb'. */
  maxBytes?: Size
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<BucketDriver>
}

export type Body = Readable | ReadableStream<Uint8Array> | Blob | Uint8Array | string | AsyncIterable<Uint8Array>

export interface PutOptions {
  /** Media type. Default `application/octet-stream`. */
  contentType?: string
  /** Lower-case names and plain text, 2 KB in all. */
  metadata?: Record<string, string>
  /** Length of the body, where it is known: a body of another length is refused. */
  size?: number
  /** Only if there is none yet, else `already_exists`. */
  ifNoneMatch?: '*'
  /** Only over the version with this etag, else `conflict`. */
  ifMatch?: string
  /** Base64 of the body's SHA-256; another body is refused. */
  sha256?: string
  /** Gives up: nothing is stored, `canceled`. */
  signal?: AbortSignal
}

export interface StoredObject extends ObjectInfo {
  range?: ByteRange
  /** Read or destroy it: it holds a file or a connection; idle for 60 s, it is closed with `timeout`. */
  body: Readable
  bytes(): Promise<Uint8Array>
  text(): Promise<string>
}

export interface ListOptions {
  /** Keys that start with this. Default: all. */
  prefix?: string
  /** What comes after this key or common prefix: `next` of the page before. */
  after?: string
  /** Fold keys with the same text up to its next occurrence after the prefix into one of `prefixes`. Mostly `'/'`. */
  delimiter?: string
  /** 1 to 1000. Default 1000. */
  limit?: number
}

export interface UploadLinkOptions {
  /** 1s to 7d. Default '15m'. */
  expires?: Duration
  /** The client must send this very type. Default: any. */
  contentType?: string
  /** Reading more is refused while it comes. Default: the bucket's own limit. @throws `unsupported` where the engine cannot */
  maxBytes?: Size
}

export interface UploadLink {
  url: string
  /** Send these with the upload, exactly. */
  headers: Record<string, string>
  expiresAt: Date
}

export interface DownloadLinkOptions {
  /** 1s to 7d. Default '15m'. */
  expires?: Duration
  /** File name to save as; any text without control characters and slashes. */
  downloadAs?: string
}

export interface Multipart {
  /** @returns the upload's id; forgotten 7 days later unless finished */
  start(key: string, options?: Pick<PutOptions, 'contentType' | 'metadata'>): Promise<string>
  /** Number 1 to 10,000; 5 MiB or more, but for the last. The same number again replaces it. @throws `not_found` */
  part(key: string, upload: string, number: number, body: Body): Promise<Part>
  /** Makes the object of the named parts, in order. Again: the same answer. @throws `not_found` `invalid_argument` `exhausted` */
  finish(key: string, upload: string, parts: readonly Part[]): Promise<ObjectInfo>
  /** Drops all parts. Again: nothing happens. */
  abort(key: string, upload: string): Promise<void>
}

/**
 * Large blobs by key: durable, cheap, no queries. A key is opaque text of 1 to 1024 bytes; nothing in it is normalised.
 *
 *     const photos = await bucket('photos')
 *     await photos.put('2024/sun.jpg', createReadStream('sun.jpg'), { contentType: 'image/jpeg' })
 *     const { url } = await photos.downloadLink('2024/sun.jpg', { downloadAs: 'sun.jpg' })
 */
export interface Bucket extends Block {
  /**
   * Stores a body whole, or not at all; durable when it resolves; the last writer wins unless a condition is given.
   * A body that fails, ends early, or stands still for 60 s stores nothing.
   * @throws `invalid_argument` `already_exists` `conflict` `exhausted` (too large, disk full) `timeout` `canceled` `unavailable`
   */
  put(key: string, body: Body, options?: PutOptions): Promise<ObjectInfo>
  /** `range`: one range as in HTTP, such as `bytes=0-99` or `bytes=-5`. @throws `invalid_argument` for one that cannot be met */
  get(key: string, options?: { range?: string }): Promise<StoredObject | undefined>
  head(key: string): Promise<ObjectInfo | undefined>
  /** What is not there does not matter. Many keys go in steps of 1000. */
  delete(key: string | readonly string[]): Promise<void>
  /** A page, in byte order of the keys. */
  list(options?: ListOptions): Promise<Listing>
  /** A link with which a client uploads directly (HTTP PUT), not through the app. @throws `unsupported` without a public address */
  uploadLink(key: string, options?: UploadLinkOptions): Promise<UploadLink>
  /** A link with which a client downloads directly. HTML, SVG, XML and scripts are saved, never shown. */
  downloadLink(key: string, options?: DownloadLinkOptions): Promise<{ url: string; expiresAt: Date }>
  /** Uploads in parts. */
  readonly multipart: Multipart
  /** The S3 subset over HTTP where the driver serves it itself, path-style; the edge mounts it at `/s3/`. Never throws. */
  readonly endpoint: ((request: Request) => Promise<Response>) | undefined
  /** How any S3 client reaches that endpoint. Holds a secret. @throws `unsupported` where the engine has its own credentials */
  access(): S3Access
}
