import { Hono } from 'hono'
import { recount } from './analytics.ts'
import { shutter } from './blueprint.ts'
import { findCards } from './cards.ts'
import type { SiteStats } from './model.ts'
import * as pages from './pages/index.ts'
import { adminIn, frameOf, type Site } from './visitor.ts'

/** How the site is doing, and the administrator's tools. */
export const admin = new Hono<Site>()
  .get('/stats', async (c) => c.html(pages.stats(frameOf(c, 'Statistics'), await siteStats())))
  .post('/api/admin/replay-views', async (c) => {
    adminIn(c)
    return c.json({ recounted: await recount() })
  })

async function siteStats(): Promise<SiteStats> {
  const views = `(select coalesce(sum(v.views), 0)::int from view_counts v where v.photo = p.id) as views`
  const top = findCards<{ views: number }>(`p.state = 'ready' order by views desc, p.id limit 8`, [], views)
  const figures = shutter.blocks.db.read.one<Omit<SiteStats, 'topPhotos'>>`
    select (select count(*)::int from photos where state = 'ready') as photos,
      (select count(*)::int from members) as members,
      (select count(*)::int from likes) as likes,
      array(
        select coalesce(sum(v.views), 0)::int
        from generate_series(date_trunc('hour', now()) - interval '47 hours', now(), '1 hour') as hour
        left join view_counts v on v.hour = hour.hour
        group by hour.hour order by hour.hour
      ) as "viewsByHour"`
  const [topPhotos, rest] = await Promise.all([top, figures])
  return { ...rest, topPhotos }
}
