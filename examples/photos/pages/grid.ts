import { html } from 'hono/html'
import type { PhotoCard } from '../model.ts'
import { avatar, icon, short, type Markup } from './parts.ts'

/** About a first row: these are asked for at once, the others when they come near. */
const eager = 4
/** How tall a row is about, in CSS pixels; as in grid.css. */
const rowHeight = 340

/** Photos in rows of one height. `below` gives a line under each photo; without it the caption shows on hover. */
export function grid<Card extends PhotoCard>(photos: Card[], below?: (photo: Card) => Markup): Markup {
  return html`<ul class="grid">
    ${photos.map((photo, index) => cell(photo, index, below?.(photo)))}
  </ul>`
}

function cell(photo: PhotoCard, index: number, below: Markup | undefined): Markup {
  const { id, title, likes, author } = photo
  const caption = html`<div class="over">
    <a class="by" href="/u/${author.handle}">${avatar(author, 24)}<span>${author.name}</span></a>
    <span class="likes" title="${likes} likes">${icon('heart')}${short(likes)}</span>
  </div>`
  return html`<li style="--ratio: ${ratioOf(photo).toFixed(4)}">
    <div class="frame" style="background: ${photo.colour}">
      <a href="/photo/${id}" aria-label="${title} by ${author.name}"
        >${picture(photo, sizesOf(photo), index < eager)}</a
      >
      ${caption}
    </div>
    ${below ? html`<p class="below">${below}</p>` : ''}
  </li>`
}

/** A picture in the size that fits, or a word in its place while it is being prepared. */
export function picture(photo: PhotoCard, sizes: string, isFirst: boolean): Markup {
  const { title, width, height } = photo
  if (photo.sizes.length === 0) return html`<span class="preparing">Being prepared…</span>`
  const all = photo.sizes.map((size) => `${size.url} ${size.width}w`).join(', ')
  return html`<img
    src="${photo.sizes[0]!.url}"
    srcset="${all}"
    sizes="${sizes}"
    width="${width}"
    height="${height}"
    alt="${title}"
    decoding="async"
    loading="${isFirst ? 'eager' : 'lazy'}"
  />`
}

/** Very wide and very tall photos are cut, so that no row is a ribbon and none fills the window. */
function ratioOf({ width, height }: PhotoCard): number {
  return Math.min(2.6, Math.max(0.6, width / height))
}

function sizesOf(photo: PhotoCard): string {
  return `(max-width: 600px) 92vw, ${Math.ceil(ratioOf(photo) * rowHeight)}px`
}

/** The way to older photos. */
export function more(nextPage: string | undefined): Markup {
  if (nextPage === undefined) return html``
  return html`<nav class="pager" aria-label="Pages">
    <a class="button" rel="next" href="?page=${nextPage}">Older photos</a>
  </nav>`
}
