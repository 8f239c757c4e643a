import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { shutter } from './blueprint.ts'
import { feedsOf } from './cards.ts'
import { Fields, imageTypes, isId, maxUploadBytes } from './input.ts'
import type { Size } from './model.ts'
import * as pages from './pages/index.ts'
import { removePictures } from './picture-keys.ts'
import { originalKey, publish } from './publish.ts'
import { notFound, notYours, Refusal } from './refusal.ts'
import { frameOf, memberIn, type Site } from './visitor.ts'

/** From a file to a photo: a link, the browser's own upload to the bucket, and the publication. */
export const uploads = new Hono<Site>()
  .get('/upload', (c) => {
    memberIn(c)
    return c.html(pages.upload(frameOf(c, 'Upload')))
  })
  .post('/api/uploads', async (c) => {
    const member = memberIn(c)
    const fields = new Fields(await c.req.json(), ['name', 'type', 'bytes'])
    fields.text('name', 'The file name', { min: 1, max: 255 })
    const contentType = fields.choice('type', 'The type of the file', imageTypes)
    const maxBytes = fields.count('bytes', 'The size in bytes', maxUploadBytes)
    fields.check()
    const id = randomUUID()
    const link = await shutter.blocks.photos.uploadLink(originalKey(member.id, id), { contentType, maxBytes })
    return c.json({ id, url: link.url, headers: link.headers }, 201)
  })
  .post('/api/photos', async (c) => {
    const member = memberIn(c)
    const fields = new Fields(await c.req.json(), ['upload', 'title', 'caption', 'tags', 'attribution'])
    const photo = {
      author: member.id,
      upload: originalKey(member.id, fields.id('upload')),
      title: fields.text('title', 'The title', { min: 1, max: 120 }),
      caption: fields.text('caption', 'The caption', { max: 2000, lines: true }),
      tags: fields.tags('tags'),
      attribution: fields.text('attribution', 'The attribution', { max: 200 }) || undefined,
    }
    fields.check()
    if (!(await shutter.blocks.photos.head(photo.upload)))
      throw new Refusal(409, 'not_uploaded', 'The file has not arrived yet: upload it to the link first.')
    const id = await publish(photo)
    return c.json({ id, url: `/photo/${id}` }, 201)
  })
  .get('/api/photos/:id', async (c) => {
    const { author, sizes, state, problem, id } = await photoRow(c.req.param('id'))
    const isMine = author === c.get('member')?.id
    if (state === 'failed' && !isMine) throw notFound('photo')
    return c.json({ id, state, problem: isMine ? (problem ?? undefined) : undefined, sizes, url: `/photo/${id}` })
  })
  .delete('/api/photos/:id', async (c) => {
    const member = memberIn(c)
    const photo = await photoRow(c.req.param('id'))
    if (photo.author !== member.id && !member.admin) throw notYours()
    await remove(photo)
    return c.body(null, 204)
  })

interface PhotoRow {
  id: string
  author: string
  handle: string
  upload: string
  tags: string[]
  sizes: Size[]
  state: 'preparing' | 'ready' | 'failed'
  problem: string | null
}

async function photoRow(id: string): Promise<PhotoRow> {
  const row = isId(id)
    ? await shutter.blocks.db.read.maybe<PhotoRow>`
        select p.id, p.author, p.upload, p.tags, p.sizes, p.state, p.problem, m.handle
        from photos p join members m on m.id = p.author where p.id = ${id}`
    : undefined
  if (!row) throw notFound('photo')
  return row
}

/** The row goes first: who prepares this photo just now sees that it is gone, and takes its pictures away (resize.ts). */
async function remove(photo: PhotoRow): Promise<void> {
  const { db, index, feed, photos } = shutter.blocks
  await db.transaction(async (tx) => {
    const gone = await tx.maybe<{ version: number }>`
      delete from photos where id = ${photo.id} returning version::int as version`
    if (gone) await index.remove(photo.id, { version: gone.version + 1, tx })
  })
  await feed.invalidate(feedsOf(photo))
  await photos.delete(photo.upload)
  await removePictures(photo.id)
}
