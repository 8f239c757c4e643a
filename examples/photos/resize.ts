import { createHash } from 'node:crypto'
import { GiveUp, type Job } from 'ashlar/queue'
import type { Transaction } from 'ashlar'
import { shutter } from './blueprint.ts'
import { refreshFeeds } from './cards.ts'
import { readExif } from './exif.ts'
import type { PhotoDetails, PhotoDocument, ResizeJob, Size } from './model.ts'
import { inputOptions, pictures, type Sharp } from './picture.ts'

const widths = [320, 800, 1600]
const formats = new Set(['jpeg', 'png', 'webp', 'heif', 'avif'])

/** Makes the sizes of a photo. Again does no harm: the same bytes get the same names, and the row is written once. */
export async function resize(job: Job<ResizeJob>): Promise<void> {
  const { db, photos } = shutter.blocks
  const { photo } = job.payload
  const row = await db.maybe<{ upload: string }>`select upload from photos where id = ${photo} and state = 'preparing'`
  const original = row && (await photos.get(row.upload))
  if (!original) return // deleted meanwhile, or done before
  const made = await makeSizes(photo, await original.bytes()).catch((error: unknown) => fail(job, error))
  await job.once('ready', (tx) => markReady(tx, photo, made))
  await refreshFeeds(photo)
}

interface Made {
  width: number
  height: number
  colour: string
  sizes: Size[]
  exif: PhotoDetails['exif']
}

/** Why a file is no photo, in words for its owner. */
class Unusable extends Error {}

async function makeSizes(photo: string, original: Uint8Array): Promise<Made> {
  const sharp = await pictures()
  const { format, autoOrient, exif } = await read(sharp(original, inputOptions).metadata())
  if (!formats.has(format)) throw new Unusable(`This is a ${format} file; send JPEG, PNG, WebP or AVIF.`)
  const wanted = widths.filter(
    (width, index) => index === 0 || width <= autoOrient.width || widths[index - 1]! < autoOrient.width,
  )
  // The largest first; the others are made of it, so that a large original is unpacked once.
  let source = original
  const sizes: Size[] = []
  for (const width of wanted.toReversed()) {
    const scaled = sharp(source, inputOptions).autoOrient().resize({ width, withoutEnlargement: true })
    const { data, info } = await read(scaled.webp({ quality: 82, effort: 3 }).toBuffer({ resolveWithObject: true }))
    sizes.unshift({ url: await store(photo, data, info.width), width: info.width })
    source = data
  }
  return { ...autoOrient, colour: await dominant(sharp, source), sizes, exif: readExif(exif) }
}

/** What the library throws at a file is the file's fault. */
function read<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const isTooLarge = error instanceof Error && /pixel limit/.test(error.message)
    throw new Unusable(
      isTooLarge ? 'The picture has too many pixels.' : 'The file is not a picture, or it is damaged.',
      { cause: error },
    )
  })
}

/** Under a name that says what is in it, so that it can be kept for ever by whoever has it. */
async function store(photo: string, data: Uint8Array, width: number): Promise<string> {
  const hash = createHash('sha256').update(data).digest('base64url').slice(0, 16)
  const key = `img/${photo}/${width}-${hash}.webp`
  await shutter.blocks.photos.put(key, data, { contentType: 'image/webp', size: data.byteLength })
  return `/${key}`
}

async function dominant(sharp: Sharp, small: Uint8Array): Promise<string> {
  const { dominant: colour } = await sharp(small).stats()
  return '#' + [colour.r, colour.g, colour.b].map((part) => part.toString(16).padStart(2, '0')).join('')
}

/** The row and its search document, in one commit with the mark that this job is done. */
async function markReady(tx: Transaction, photo: string, { width, height, colour, sizes, exif }: Made): Promise<void> {
  const { rows } = await tx.sql.query<PhotoDocument & { version: number }>(
    `update photos set state = 'ready', width = $2, height = $3, colour = $4, sizes = $5::jsonb, exif = $6::jsonb,
       version = version + 1
     where id = $1 returning id, title, caption, tags, coalesce(exif->>'camera', '') as camera, version`,
    [photo, width, height, colour, JSON.stringify(sizes), JSON.stringify(exif)],
  )
  for (const { version, ...document } of rows) await shutter.blocks.index.put(document, { version, tx })
}

/** Tells the owner what is wrong and gives the job up; anything that is not the file's fault is tried again. */
async function fail(job: Job<ResizeJob>, error: unknown): Promise<never> {
  if (!(error instanceof Unusable)) throw error
  const { photo } = job.payload
  await job.once('failed', async (tx) => {
    const { rows } = await tx.sql.query<{ version: number }>(
      `update photos set state = 'failed', problem = $2, version = version + 1 where id = $1 returning version`,
      [photo, error.message],
    )
    for (const { version } of rows) await shutter.blocks.index.remove(photo, { version, tx })
  })
  await refreshFeeds(photo)
  throw new GiveUp(error.message)
}
