import { html } from 'hono/html'
import type { Frame, PhotoDetails } from '../model.ts'
import { viewsChart } from './chart.ts'
import { picture } from './grid.ts'
import { page } from './layout.ts'
import { avatar, counted, dayOf, icon, short, whole, type Markup } from './parts.ts'

export function photo(frame: Frame, details: PhotoDetails): Markup {
  const { title, caption, tags, attribution } = details
  const body = html`<article class="photo">
    ${stage(details)}
    <div class="about">
      <div class="words">
        <header>
          <h1>${title}</h1>
          ${likeButton(frame, details)}
        </header>
        ${author(details)} ${caption ? html`<p class="caption">${caption}</p>` : ''}
        ${
          tags.length > 0
            ? html`<ul class="tags">
                ${tags.map(tagLink)}
              </ul>`
            : ''
        }
        ${attribution ? html`<p class="attribution quiet">${attribution}</p>` : ''} ${viewsChart(details.viewsByHour)}
      </div>
      <aside aria-label="About this photo">${facts(details)} ${details.mine ? removal(details.id) : ''}</aside>
    </div>
  </article>`
  return page(frame, body, { styles: ['photo.css', 'chart.css'], scripts: ['photo.js'] })
}

/** The photo as large as the window allows, in a place of its size before it is there. */
function stage(details: PhotoDetails): Markup {
  const { id, width, height, colour, state, problem } = details
  const widest = details.sizes.at(-1)?.width ?? 1600
  const place = `--ratio: ${(width / height).toFixed(4)}; --widest: ${widest}px; background: ${colour}`
  if (state === 'ready')
    return html`<div class="stage"><div class="large" style="${place}">${picture(details, '100vw', true)}</div></div>`
  return html`<div class="stage">
    <p class="wait" role="status" data-photo="${id}" data-state="${state}">
      ${
        state === 'failed'
          ? html`<b>This photo could not be prepared.</b> ${problem ?? ''}`
          : html`<b>This photo is being prepared.</b> It shows here in a moment.`
      }
    </p>
  </div>`
}

function author({ author: by, publishedAt }: PhotoDetails): Markup {
  return html`<p class="author">
    <a href="/u/${by.handle}">${avatar(by, 40)}<b>${by.name}</b></a>
    <time class="quiet" datetime="${publishedAt}">${dayOf(publishedAt)}</time>
  </p>`
}

const tagLink = (tag: string) => html`<li><a href="/tag/${encodeURIComponent(tag)}">#${tag}</a></li>`

/** Members like in place; a stranger is led to the log-in and back. */
function likeButton({ viewer }: Frame, { id, liked, likes }: PhotoDetails): Markup {
  const inside = html`${icon('heart')}<span class="count">${short(likes)}</span>`
  if (!viewer)
    return html`<a
      class="button like"
      href="/login?next=/photo/${id}"
      aria-label="Log in to like this photo; ${counted(likes, 'like')}"
      >${inside}</a
    >`
  return html`<button
    class="button like"
    type="button"
    data-photo="${id}"
    aria-pressed="${String(liked)}"
    aria-label="Like this photo"
  >
    ${inside}
  </button>`
}

function facts({ exif, views, likes, width, height, state }: PhotoDetails): Markup {
  const rows = [
    ['Camera', exif.camera],
    ['Lens', exif.lens],
    ['Exposure', exif.exposure],
    ['Taken', exif.takenAt && dayOf(exif.takenAt)],
    ['Size', state === 'ready' ? `${width} × ${height}` : undefined],
    ['Views', whole(views)],
    ['Likes', whole(likes)],
  ]
  return html`<dl class="facts">
    ${rows
      .filter(([, value]) => value)
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
  </dl>`
}

function removal(id: string): Markup {
  return html`<details class="removal">
    <summary>Delete this photo</summary>
    <p>It is gone for good, with its likes.</p>
    <button class="button danger" type="button" data-remove="${id}">Delete for good</button>
    <p class="problem" role="alert"></p>
  </details>`
}
