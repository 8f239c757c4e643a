import { GiveUp, type Job } from 'ashlar/queue'
import type { Transaction } from 'ashlar'
import { resizeAttempts, shutter } from './blueprint.ts'
import { refreshFeeds } from './cards.ts'
import { pictureKey, removePictures } from './picture-keys.ts'
import type { PhotoDocument, ResizeJob, Size } from './model.ts'
import type { Prepared } from './studio/prepare.ts'
import { studio } from './studio/studio.ts'

/** Makes the sizes of a photo. Again does no harm: the same bytes get the same names, and the row is written once. */
export async function resize(job: Job<ResizeJob>): Promise<void> {
  const { db, photos } = shutter.blocks
  const { photo } = job.payload
  const row = await db.maybe<{ upload: string; state: string }>`select upload, state from photos where id = ${photo}`
  if (!row) return removePictures(photo) // deleted; an attempt before may have left some
  const original = row.state === 'preparing' ? await photos.get(row.upload) : undefined
  if (!original) return // done before, or being deleted
  const made = await prepare(job, await original.bytes())
  if ('unusable' in made) return giveUp(job, made.unusable)
  const sizes = await Promise.all(made.sizes.map((size) => store(photo, size)))
  const isThere = await job.once('ready', (tx) => markReady(tx, photo, { ...made, sizes }))
  if (isThere === false) return removePictures(photo)
  await refreshFeeds(photo)
}

/** A file that ends the studio, or keeps it for a minute, at the last attempt as well is at fault itself. */
async function prepare({ attempt }: Job<ResizeJob>, original: Uint8Array): Promise<Prepared | { unusable: string }> {
  try {
    return await studio.ask('prepare', original)
  } catch (error) {
    if (attempt < resizeAttempts) throw error
    return { unusable: 'The picture could not be worked on: save it anew, and smaller, and try again.' }
  }
}

async function store(photo: string, { width, data }: Prepared['sizes'][number]): Promise<Size> {
  const key = pictureKey(photo, width, data)
  await shutter.blocks.photos.put(key, data, { contentType: 'image/webp', size: data.byteLength })
  return { url: `/${key}`, width }
}

type Made = Omit<Prepared, 'sizes'> & { sizes: Size[] }

/** The row and its search document, in one commit with the mark that this job is done. @returns whether the photo is still there */
async function markReady(tx: Transaction, photo: string, made: Made): Promise<boolean> {
  const { width, height, colour, sizes, exif } = made
  const { rows } = await tx.sql.query<PhotoDocument & { version: number }>(
    `update photos set state = 'ready', width = $2, height = $3, colour = $4, sizes = $5::jsonb, exif = $6::jsonb,
       version = version + 1
     where id = $1 returning id, title, caption, tags, coalesce(exif->>'camera', '') as camera, version`,
    [photo, width, height, colour, JSON.stringify(sizes), JSON.stringify(exif)],
  )
  for (const { version, ...document } of rows) await shutter.blocks.index.put(document, { version, tx })
  return rows.length > 0
}

/** Tells the owner what is wrong with the file. No further attempt would help. */
async function giveUp(job: Job<ResizeJob>, problem: string): Promise<never> {
  const { photo } = job.payload
  await job.once('failed', async (tx) => {
    const { rows } = await tx.sql.query<{ version: number }>(
      `update photos set state = 'failed', problem = $2, version = version + 1 where id = $1 returning version`,
      [photo, problem],
    )
    for (const { version } of rows) await shutter.blocks.index.remove(photo, { version, tx })
  })
  await refreshFeeds(photo)
  throw new GiveUp(problem)
}
