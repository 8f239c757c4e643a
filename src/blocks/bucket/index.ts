import { wrap, type AloneOptions, type Declaration, type OpenContext } from '../../block.ts'
import { declare, openAlone, type DriverOpener, type DriverTable, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
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

/** A driver with the codes of its errors. */
export interface CodedDriver {
  driver: BucketDriver
  codeOf(error: unknown): Code | undefined
}

interface DriverModule {
  open(context: OpenContext): Promise<BucketDriver>
  codeOf(error: unknown): Code | undefined
}

const drivers: DriverTable<CodedDriver> = {
  file: async () => opener('file', await import('./file.ts')),
  memory: async () => opener('memory', await import('./memory.ts')),
}

function opener(driver: string, { open, codeOf }: DriverModule): DriverOpener<CodedDriver> {
  return async (context) => {
    try {
      return { driver: await open(context), codeOf }
    } catch (error) {
      throw wrap(error, { block: context.name, driver, doing: 'opening' }, codeOf)
    }
  }
}

const largest = { min: 1, max: 5 * 1024 ** 4 }

const kind: Kind<Bucket, BucketOptions, CodedDriver> = {
  kind: 'bucket',
  card: {
    job: 'Keeps large blobs by key: uploads, images, video, backups, logs. The database keeps only the key.',
    reachFor:
      'When bytes are large and fetched by key. Signed links let clients send and fetch them without passing the app; a CDN in front delivers them.',
    costs:
      'No queries, more delay than a local disk, and nothing in common with a database transaction: a row and its object can part.',
    alternative:
      'A bytea column: one commit with the row, but the database, its memory and its backups then grow with every upload.',
  },
  options: ['maxBytes'],
  drivers,
  defaultUrl: 'file:',
  check: ({ maxBytes = '5gb' }) => void toBytes('maxBytes', maxBytes, largest),
  build: ({ name }, { driver, codeOf }, { maxBytes = '5gb' }, scheme) =>
    new OpenBucket(driver, { name, driver: scheme, codeOf, maxBytes: toBytes('maxBytes', maxBytes, largest) }),
}

/**
 * A bucket for large blobs by key. In a blueprint: `photos: bucket({ maxBytes: '50mb' })`. Alone: `await bucket('photos')`,
 * which keeps files in `.ashlar/buckets`; its links need `ASHLAR_SECRET` and `url: 'file:?public=https://example.com'`.
 * @throws `invalid_argument` `unsupported` `unauthorized` `unavailable`
 */
export function bucket(options?: BucketOptions): Declaration<Bucket, BucketOptions>
export function bucket(name: string, options?: BucketOptions & AloneOptions): Promise<Bucket>
export function bucket(first: string | BucketOptions = {}, options: BucketOptions & AloneOptions = {}) {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
