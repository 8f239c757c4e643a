import { shutter } from './blueprint.ts'

export interface NewPhoto {
  author: string
  /** Key of the original in the bucket. */
  upload: string
  title: string
  caption: string
  tags: string[]
  attribution: string | undefined
  /** Default: now. */
  publishedAt?: Date
}

/**
 * Publishes an uploaded original: its row, the job that makes its sizes, the event and the search document are one commit,
 * or nothing is. The same upload again answers the photo that it became.
 */
export async function publish(photo: NewPhoto): Promise<string> {
  const { db, resize, published, index } = shutter.blocks
  const { author, upload, title, caption, tags, attribution, publishedAt } = photo
  return db.transaction(async (tx) => {
    const made = await tx.maybe<{ id: string }>`
      insert into photos (author, upload, title, caption, tags, attribution, published_at)
      values (${author}, ${upload}, ${title}, ${caption}, ${tags}, ${attribution ?? null},
              coalesce(${publishedAt ?? null}::timestamptz, clock_timestamp()))
      on conflict (upload) do nothing returning id`
    if (!made) return (await tx.one<{ id: string }>`select id from photos where upload = ${upload}`).id
    const { id } = made
    // Before those with a date in the past, for which nobody waits.
    await resize.send({ photo: id }, { tx, priority: publishedAt ? 0 : 5 })
    await published.publish({ photo: id, author }, { tx })
    await index.put({ id, title, caption, tags, camera: '' }, { version: 1, tx })
    return id
  })
}

/** Where a member's upload lies. The member is part of the name, so that nobody can publish another's. */
export const originalKey = (member: string, upload: string) => `originals/${member}/${upload}`
