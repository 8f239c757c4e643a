import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { toBytes } from '../../units.ts'
import type { Bucket, BucketOptions } from './bucket.ts'
import type { BucketDriver } from './driver.ts'
import { OpenBucket } from './open-bucket.ts'

export type {
  Body,
  Bucket,
  BucketOptions,
  DownloadLinkOptions,
  ListOptions,
  Multipart,
  PutOptions,
  StoredObject,
  UploadLink,
  UploadLinkOptions,
} from './bucket.ts'
export type {
  BucketCapabilities,
  BucketDriver,
  ByteRange,
  Listing,
  ObjectInfo,
  Part,
  Presigning,
  Putting,
  S3Access,
} from './driver.ts'
export { attachment, isPassive, safeHeaders } from './disposition.ts'
export { contentRange, resolveRange, type Asked } from './range.ts'

const card: Card = {
  job: 'Keeps large blobs by key: uploads, images, video, backups, logs. The database keeps only the key.',
  reachFor:
    'When bytes are large and fetched by key. Signed links let clients send and fetch them without passing the app; a CDN in front delivers them.',
  costs:
    'No queries, more delay than a local disk, and nothing in common with a database transaction: a row and its object can part.',
  alternative:
    'A bytea column: one commit with the row, but the database, its memory and its backups then grow with every upload.',
}

/** @throws `invalid_argument` */
function maxBytesOf({ maxBytes = '5gb' }: BucketOptions): number {
  return toBytes('bucket maxBytes', maxBytes, { min: 1, max: 5 * 1024 ** 4 })
}

const kind: Kind<Bucket, BucketOptions, BucketDriver> = {
  kind: 'bucket',
  card,
  options: ['maxBytes'],
  drivers: {
    file: () => import('./file.ts'),
    memory: () => import('./memory.ts'),
  },
  defaultUrl: 'file:',
  check: (options) => void maxBytesOf(options),
  build: ({ name }, opened, options) => new OpenBucket({ ...opened, name, maxBytes: maxBytesOf(options) }),
}

/** A bucket of a blueprint: `photos: bucket({ maxBytes: '50mb' })`. @throws `invalid_argument` */
export function bucket(options?: BucketOptions): Declaration<Bucket, BucketOptions>
/**
 * A bucket alone, by default in `.ashlar/buckets`. Its links need `ASHLAR_SECRET` and `url: 'file:?public=https://example.com'`.
 * @throws `invalid_argument` `unsupported` `unauthorized` `unavailable` `timeout`
 * @example
 * await using photos = await bucket('photos', { maxBytes: '50mb' })
 * await photos.put('2024/sea.jpg', createReadStream('sea.jpg'), { contentType: 'image/jpeg' })
 */
export function bucket(name: string, options?: BucketOptions & AloneOptions): Promise<Bucket>
export function bucket(
  first: string | BucketOptions = {},
  options: BucketOptions & AloneOptions = {},
): Declaration<Bucket, BucketOptions> | Promise<Bucket> {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
