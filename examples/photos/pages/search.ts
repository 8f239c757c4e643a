import { html, raw } from 'hono/html'
import type { Facet, Found, Frame } from '../model.ts'
import { grid } from './grid.ts'
import { page } from './layout.ts'
import { counted, empty, type Markup } from './parts.ts'

export function search(frame: Frame, found: Found): Markup {
  const { photos, query } = found
  const body = html`<div class="finding">
    ${sidebar(found)}
    <section aria-labelledby="found">
      ${heading(found)} ${photos.length > 0 ? grid(photos, ({ titleHtml }) => html`${raw(titleHtml)}`) : nothing(found)}
      ${pager(found)}
    </section>
  </div>`
  return page(frame, body, { styles: ['search.css'], query })
}

function heading({ query, total, corrected }: Found): Markup {
  const words = corrected ?? query
  return html`<header class="heading" role="status">
    <h1 id="found">${words ? `“${words}”` : 'All photos'}</h1>
    <p class="quiet">${counted(total, 'photo')}</p>
    ${corrected ? html`<p class="corrected">Nothing has <s>${query}</s>; these have <b>${corrected}</b>.</p>` : ''}
  </header>`
}

function nothing(found: Found): Markup {
  const isFiltered = chosen(found).length > 0
  if (isFiltered)
    return empty('Nothing fits all of this', 'Fewer filters find more.', {
      href: address(found.query, []),
      label: 'Drop the filters',
    })
  return empty('Nothing found', 'Try another word, or a more general one.', {
    href: '/search',
    label: 'See all photos',
  })
}

type Choice = [name: 'tag' | 'camera', value: string]

function sidebar(found: Found): Markup {
  const { tags, cameras } = found
  if (tags.length + cameras.length === 0) return html``
  return html`<nav class="facets" aria-label="Narrow down">
    ${facets('Tags', 'tag', tags, found)} ${facets('Cameras', 'camera', cameras, found)}
  </nav>`
}

function facets(title: string, name: Choice[0], all: Facet[], found: Found): Markup {
  if (all.length === 0) return html``
  return html`<section>
    <h2>${title}</h2>
    <ul>
      ${all.map((facet) => facetLink(name, facet, found))}
    </ul>
  </section>`
}

/** A link that adds the choice, or takes it away again. */
function facetLink(name: Choice[0], { value, count, chosen: isChosen }: Facet, found: Found): Markup {
  const others = chosen(found).filter((each) => each[0] !== name || each[1] !== value)
  const href = address(found.query, isChosen ? others : [...others, [name, value]])
  return html`<li>
    <a href="${href}" ${isChosen ? raw('aria-current="true"') : ''}
      ><span>${value}</span><span class="quiet">${isChosen ? '×' : count}</span></a
    >
  </li>`
}

function chosen({ tags, cameras }: Found): Choice[] {
  const of = (name: Choice[0], all: Facet[]) =>
    all.filter((facet) => facet.chosen).map(({ value }): Choice => [name, value])
  return [...of('tag', tags), ...of('camera', cameras)]
}

function address(query: string, choices: Choice[], number = 1): string {
  const wanted = new URLSearchParams(query ? { q: query } : {})
  for (const [name, value] of choices) wanted.append(name, value)
  if (number > 1) wanted.set('page', String(number))
  return `/search?${wanted.toString()}`
}

function pager(found: Found): Markup {
  const { page: number, pages, query } = found
  if (pages < 2) return html``
  const link = (to: number, rel: string, label: string) =>
    to >= 1 && to <= pages
      ? html`<a class="button" rel="${rel}" href="${address(query, chosen(found), to)}">${label}</a>`
      : ''
  return html`<nav class="pager" aria-label="Pages">
    ${link(number - 1, 'prev', 'Previous')}<span class="quiet">${number} of ${pages}</span
    >${link(number + 1, 'next', 'Next')}
  </nav>`
}
