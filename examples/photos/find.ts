import { Hono, type Context } from 'hono'
import { shutter } from './blueprint.ts'
import { findCards } from './cards.ts'
import { tagOf } from './input.ts'
import type { Facet, Found } from './model.ts'
import * as pages from './pages/index.ts'
import { Refusal } from './refusal.ts'
import { frameOf, type Site } from './visitor.ts'

const perPage = 24
const maxPages = 100

/** Search with facets, typos and completion. */
export const find = new Hono<Site>()
  .get('/search', async (c) => {
    const found = await search(wantedOf(c))
    return c.html(pages.search(frameOf(c, found.query ? `${found.query} · Search` : 'Search'), found))
  })
  .get('/api/search', async (c) => c.json(await search(wantedOf(c))))
  .get('/api/complete', async (c) => {
    const begin = textOf(c).trim()
    return c.json({ titles: begin ? await shutter.blocks.index.complete(begin) : [] })
  })

interface Wanted {
  query: string
  tags: string[]
  cameras: string[]
  page: number
}

function wantedOf(c: Context<Site>): Wanted {
  const page = Number(c.req.query('page') ?? 1)
  if (!Number.isInteger(page) || page < 1 || page > maxPages)
    throw new Refusal(400, 'invalid', `page: write a number from 1 to ${maxPages}.`)
  const many = (name: string) => (c.req.queries(name) ?? []).map((text) => text.trim()).filter(Boolean)
  const tags = many('tag').map(tagOf).filter(Boolean)
  const cameras = many('camera')
  if (cameras.some((camera) => camera.length > 256 || camera.includes('\0')))
    throw new Refusal(400, 'invalid', 'There is no such camera.')
  if (tags.length + cameras.length > 20) throw new Refusal(400, 'invalid', 'Choose at most 20 tags and cameras.')
  return { query: textOf(c).trim(), tags, cameras, page }
}

function textOf(c: Context<Site>): string {
  const text = c.req.query('q') ?? ''
  if (text.length > 200) throw new Refusal(400, 'invalid', 'Search for 200 characters or less.')
  return text
}

async function search({ query, tags, cameras, page }: Wanted): Promise<Found> {
  const result = await shutter.blocks.index.search(query, {
    filters: { ...(tags.length > 0 ? { tags } : {}), ...(cameras.length > 0 ? { camera: cameras } : {}) },
    facets: ['tags', 'camera'],
    offset: (page - 1) * perPage,
    limit: perPage,
  })
  return {
    query,
    total: result.total,
    corrected: result.corrected,
    photos: await photosOf(result.hits),
    tags: facetOf(result.facets.tags, tags),
    cameras: facetOf(result.facets.camera, cameras),
    page,
    pages: Math.min(maxPages, Math.ceil(result.total / perPage)),
  }
}

/** The index finds and ranks; what is shown comes from the rows, so that it is never a deleted photo. */
async function photosOf(hits: { id: string; highlights: { title?: string } }[]): Promise<Found['photos']> {
  if (hits.length === 0) return []
  const cards = await findCards(`p.id = any($1) and p.state <> 'failed'`, [hits.map(({ id }) => id)])
  const byId = new Map(cards.map((card) => [card.id, card]))
  return hits.flatMap(({ id, highlights }) => {
    const card = byId.get(id)
    return card ? { ...card, titleHtml: highlights.title ?? escape(card.title) } : []
  })
}

function facetOf(counts: readonly { value: string; count: number }[] = [], chosen: readonly string[]): Facet[] {
  const known = counts.filter(({ value }) => value !== '')
  const missing = chosen.filter((value) => !known.some((each) => each.value === value))
  return [...known, ...missing.map((value) => ({ value, count: 0 }))]
    .slice(0, 30)
    .map(({ value, count }) => ({ value, count, chosen: chosen.includes(value) }))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!)
