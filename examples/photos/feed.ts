import { Hono } from 'hono'
import { shutter } from './blueprint.ts'
import { findCards } from './cards.ts'
import { cursorAt, readCursor, type Cursor } from './cursor.ts'
import { tagOf } from './input.ts'
import type { PhotoCard, Profile } from './model.ts'
import * as pages from './pages/index.ts'
import { notFound } from './refusal.ts'
import { frameOf, type Member, type Site } from './visitor.ts'

const perPage = 24

/** One stream of photos, newest first: all, those with a tag, or those of a member. */
interface Feed {
  /** Also its name in the cache, and the tag by which it is dropped there. */
  name: string
  where: string
  value: string
}

const home: Feed = { name: 'home', where: '$1 = $1', value: '' }
const tagged = (tag: string): Feed => ({ name: `tag:${tag}`, where: 'p.tags @> array[$1]', value: tag })
const by = (handle: string): Feed => ({ name: `by:${handle}`, where: 'm.handle = $1', value: handle })

export const feeds = new Hono<Site>()
  .get('/', async (c) => {
    const page = await pageOf(home, c.req.query('page'), c.get('member'))
    return c.html(pages.home(frameOf(c, 'Shutter'), page))
  })
  .get('/tag/:tag', async (c) => {
    const tag = tagOf(c.req.param('tag'))
    const page = await pageOf(tagged(tag), c.req.query('page'), c.get('member'))
    return c.html(pages.tag(frameOf(c, `#${tag}`), { tag, ...page }))
  })
  .get('/u/:handle', async (c) => {
    const profile = await profileOf(c.req.param('handle').toLowerCase())
    const { photos } = await pageOf(by(profile.handle), undefined, c.get('member'), 100)
    return c.html(pages.profile(frameOf(c, profile.name), { ...profile, photos }))
  })
  .get('/api/photos', async (c) => c.json(await pageOf(home, c.req.query('page'), c.get('member'))))

async function profileOf(handle: string): Promise<Omit<Profile, 'photos'>> {
  const profile = await shutter.blocks.db.read.maybe<Omit<Profile, 'photos'>>`
    select handle, name, bio, coalesce(nullif(avatar, ''), '/avatars/' || handle || '.svg') as avatar
    from members where lower(handle) = ${handle}`
  if (!profile) throw notFound('member')
  return profile
}

async function pageOf(of: Feed, after: string | undefined, member: Member | undefined, size = perPage) {
  const cursor = readCursor(after)
  // One more than is shown tells whether there is a next page.
  const cached = await shutter.blocks.feed.get(`${of.name} ${after ?? ''}`, () => load(of, cursor, size + 1), {
    tags: [of.name],
  })
  const all = cached ?? []
  const shown = all.slice(0, size)
  const photos = after === undefined && member ? await withOwn(shown, of, member) : shown
  return { photos, nextPage: all.length > size ? cursorAt(shown.at(-1)!) : undefined }
}

function load({ where, value }: Feed, cursor: Cursor, limit: number): Promise<PhotoCard[]> {
  return findCards(
    `${where} and p.state <> 'failed' and (p.published_at, p.id) < ($2, $3) order by p.published_at desc, p.id desc limit $4`,
    [value, cursor.publishedAt, cursor.id, limit],
  )
}

/**
 * What a member has just published is at once in the feeds that this member sees: a feed in the cache may have been read
 * before, or from a replica that was behind. After two minutes every cached feed has it.
 */
async function withOwn(photos: PhotoCard[], { where, value }: Feed, member: Member): Promise<PhotoCard[]> {
  const recent = await findCards(
    `${where} and p.state <> 'failed' and p.author = $2 and p.published_at > now() - interval '2 minutes'
     order by p.published_at desc, p.id desc limit ${perPage}`,
    [value, member.id],
  )
  const own = new Set(recent.map(({ id }) => id))
  const others = photos.filter(({ id }) => !own.has(id))
  return [...recent, ...others].toSorted((a, b) => (a.publishedAt < b.publishedAt ? 1 : -1))
}
