import { Hono } from 'hono'
import { shutter } from './blueprint.ts'
import { findCards } from './cards.ts'
import { isId } from './input.ts'
import type { PhotoDetails } from './model.ts'
import * as pages from './pages/index.ts'
import { notFound } from './refusal.ts'
import { noteView } from './views.ts'
import { frameOf, type Member, type Site } from './visitor.ts'

/** A photo's own page. */
export const photo = new Hono<Site>().get('/photo/:id', async (c) => {
  const member = c.get('member')
  const details = await detailsOf(c.req.param('id'), member)
  noteView({ photo: details.id, viewer: member?.id, at: new Date().toISOString() })
  return c.html(pages.photo(frameOf(c, details.title), details))
})

const more = `
  p.caption, p.tags, p.state, p.problem, p.exif, p.attribution, p.author = $2 as mine,
  exists (select 1 from likes l where l.photo = p.id and l.member = $2) as liked`

interface Nullable {
  problem: string | null
  attribution: string | null
  mine: boolean | null
}

async function detailsOf(id: string, member: Member | undefined): Promise<PhotoDetails> {
  if (!isId(id)) throw notFound('photo')
  const cards = findCards<Omit<PhotoDetails, keyof Nullable> & Nullable>('p.id = $1', [id, member?.id ?? null], more)
  const [[found], views] = await Promise.all([cards, viewsOf(id)])
  const isMine = found?.mine === true
  if (!found || (found.state === 'failed' && !isMine)) throw notFound('photo')
  return {
    ...found,
    ...views,
    mine: isMine,
    problem: isMine ? (found.problem ?? undefined) : undefined,
    attribution: found.attribution ?? undefined,
  }
}

/** All views, and those of each of the last 48 hours. */
async function viewsOf(photo: string): Promise<Pick<PhotoDetails, 'views' | 'viewsByHour'>> {
  return shutter.blocks.db.read.one<Pick<PhotoDetails, 'views' | 'viewsByHour'>>`
    select (select coalesce(sum(views), 0)::int from view_counts where photo = ${photo}) as views,
      array(
        select coalesce(v.views, 0)
        from generate_series(date_trunc('hour', now()) - interval '47 hours', now(), '1 hour') as hour
        left join view_counts v on v.photo = ${photo} and v.hour = hour.hour
        order by hour.hour
      ) as "viewsByHour"`
}
