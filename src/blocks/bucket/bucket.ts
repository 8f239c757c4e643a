import type { Readable } from 'node:stream'
import type { Block, BlockOptions } from '../../block.ts'
import type { Duration, Size } from '../../units.ts'
import type { BucketDriver, ByteRange, Listing, ObjectInfo, Part } from './driver.ts'

export interface BucketOptions extends BlockOptions {
  /** Largest object. Default '5gb'. */
  maxBytes?: Size
}

export type Body = Readable | ReadableStream<Uint8Array> | Blob | Uint8Array | string | AsyncIterable<Uint8Array>

export interface PutOptions {
  contentType?: string
  metadata?: Record<string, string>
  size?: number
  ifNoneMatch?: '*'
  ifMatch?: string
  sha256?: string
  signal?: AbortSignal
}

export interface StoredObject extends ObjectInfo {
  range?: ByteRange
  /** Read or destroy it: it holds a file or a connection; idle for 60 s, it is closed with `timeout`. */
  body: Readable
  bytes(): Promise<Uint8Array>
  text(): Promise<string>
}

export interface UploadLink {
  url: string
  /** Send these with the upload, exactly. */
  headers: Record<string, string>
  expiresAt: Date
}

/** Large blobs by key: durable, cheap, no queries. */
export interface Bucket extends Block {
  put(key: string, body: Body, options?: PutOptions): Promise<ObjectInfo>
  /** `range`: as in HTTP, such as `bytes=0-99` or `bytes=-5`. @throws `invalid_argument` for one that cannot be met */
  get(key: string, options?: { range?: string }): Promise<StoredObject | undefined>
  head(key: string): Promise<ObjectInfo | undefined>
  delete(key: string | readonly string[]): Promise<void>
  /** A page of at most `limit` (1 to 1000, default 1000). */
  list(options?: { prefix?: string; after?: string; delimiter?: string; limit?: number }): Promise<Listing>
  /** A link with which a client uploads directly, not through the app. `expires` 1s to 7d, default '15m'. */
  uploadLink(key: string, options?: { expires?: Duration; contentType?: string; maxBytes?: Size }): Promise<UploadLink>
  downloadLink(
    key: string,
    options?: { expires?: Duration; downloadAs?: string },
  ): Promise<{ url: string; expiresAt: Date }>
  /** Uploads in parts. */
  readonly multipart: {
    start(key: string, options?: Pick<PutOptions, 'contentType' | 'metadata'>): Promise<string>
    part(key: string, upload: string, number: number, body: Body): Promise<Part>
    finish(key: string, upload: string, parts: readonly Part[]): Promise<ObjectInfo>
    abort(key: string, upload: string): Promise<void>
  }
  /** The S3 subset over HTTP where the driver serves it itself; the edge mounts it at `/s3/`. */
  readonly endpoint: BucketDriver['endpoint']
}
