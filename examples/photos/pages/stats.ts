import { html } from 'hono/html'
import type { Frame, SiteStats } from '../model.ts'
import { viewsChart } from './chart.ts'
import { picture } from './grid.ts'
import { page } from './layout.ts'
import { empty, short, type Markup } from './parts.ts'

export function stats(frame: Frame, { photos, members, likes, viewsByHour, topPhotos }: SiteStats): Markup {
  const body = html`<div class="stats">
    <header class="heading"><h1>Statistics</h1></header>
    <dl class="figures">${figure('Photos', photos)} ${figure('Members', members)} ${figure('Likes', likes)}</dl>
    ${viewsChart(viewsByHour)}
    <section>
      <h2>Most looked at</h2>
      ${topPhotos.length > 0 ? top(topPhotos) : empty('Nothing to count yet', 'Photos show here once there are some.')}
    </section>
  </div>`
  return page(frame, body, { styles: ['chart.css', 'stats.css'] })
}

const figure = (name: string, count: number) =>
  html`<div>
    <dt>${name}</dt>
    <dd>${short(count)}</dd>
  </div>`

function top(photos: SiteStats['topPhotos']): Markup {
  const most = Math.max(1, ...photos.map(({ views }) => views))
  return html`<ol class="top">
    ${photos.map(
      (photo) =>
        html`<li>
          <a
            class="thumb"
            href="/photo/${photo.id}"
            tabindex="-1"
            aria-hidden="true"
            style="background: ${photo.colour}"
            >${picture(photo, '96px', false)}</a
          >
          <div class="entry">
            <p><a href="/photo/${photo.id}">${photo.title}</a> <span class="quiet">${photo.author.name}</span></p>
            <meter min="0" max="${most}" value="${photo.views}" aria-hidden="true"></meter>
          </div>
          <span class="views">${short(photo.views)}<span class="unseen"> views</span></span>
        </li>`,
    )}
  </ol>`
}
