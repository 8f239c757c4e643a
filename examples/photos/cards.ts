import { shutter } from './blueprint.ts'
import type { PhotoCard } from './model.ts'

/** A member's picture, or the address of one drawn from the handle. */
const avatar = `coalesce(nullif(m.avatar, ''), '/avatars/' || m.handle || '.svg')`

/** Columns of a card. The time has microseconds: pages go on from it. */
const columns = `
  p.id, p.title, p.width, p.height, p.colour, p.sizes, p.likes,
  json_build_object('handle', m.handle, 'name', m.name, 'avatar', ${avatar}) as author,
  to_char(p.published_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "publishedAt"`

/** Cards from a replica. `rest` is what follows `where`, with `p` for the photo and `m` for its author; `more`: further columns. */
export async function findCards<More extends object = object>(
  rest: string,
  values: unknown[],
  more = '',
): Promise<(PhotoCard & More)[]> {
  const text = `select ${columns}${more && `, ${more}`} from photos p join members m on m.id = p.author where ${rest}`
  const { rows } = await shutter.blocks.db.read.query<PhotoCard & More>(text, values)
  return rows
}

/** Names under which cached feeds can be dropped: all those in which a photo stands. */
export function feedsOf({ handle, tags }: { handle: string; tags: readonly string[] }): string[] {
  return ['home', `by:${handle}`, ...tags.map((tag) => `tag:${tag}`)]
}

/** Drops the cached feeds in which a photo stands. Should the cache be away, they end by themselves half a minute later. */
export async function refreshFeeds(photo: string): Promise<void> {
  const { db, feed } = shutter.blocks
  const row = await db.maybe<{ handle: string; tags: string[] }>`
    select m.handle, p.tags from photos p join members m on m.id = p.author where p.id = ${photo}`
  if (row) await feed.invalidate(feedsOf(row))
}
