import { Hono } from 'hono'
import { shutter } from './blueprint.ts'
import { isId } from './input.ts'
import { notFound } from './refusal.ts'
import { memberIn, type Site } from './visitor.ts'

/** Twice is as once: the like is a row, and the count changes only with it. */
export const likes = new Hono<Site>()
  .put('/api/photos/:id/like', async (c) =>
    c.json({ likes: await like(c.req.param('id'), memberIn(c).id), liked: true }),
  )
  .delete('/api/photos/:id/like', async (c) =>
    c.json({ likes: await unlike(c.req.param('id'), memberIn(c).id), liked: false }),
  )

/** @returns how many like it now. @throws Refusal 404 */
export function like(photo: string, member: string): Promise<number> {
  return shutter.blocks.db.transaction(async (tx) => {
    if (!isId(photo)) throw notFound('photo')
    // Locked first, so that a photo which is being deleted is not found instead of breaking a reference.
    const locked = await tx.maybe`select 1 from photos where id = ${photo} and state <> 'failed' for no key update`
    if (!locked) throw notFound('photo')
    const added = await tx.run`insert into likes (photo, member) values (${photo}, ${member}) on conflict do nothing`
    return (await tx.one<Count>`update photos set likes = likes + ${added} where id = ${photo} returning likes`).likes
  })
}

function unlike(photo: string, member: string): Promise<number> {
  return shutter.blocks.db.transaction(async (tx) => {
    if (!isId(photo)) throw notFound('photo')
    // The photo first here too: two that lock in different orders would wait for each other.
    const locked = await tx.maybe`select 1 from photos where id = ${photo} for no key update`
    if (!locked) throw notFound('photo')
    const removed = await tx.run`delete from likes where photo = ${photo} and member = ${member}`
    return (await tx.one<Count>`update photos set likes = likes - ${removed} where id = ${photo} returning likes`).likes
  })
}

interface Count {
  likes: number
}
