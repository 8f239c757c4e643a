import { html } from 'hono/html'
import type { Frame, PhotoCard, Profile } from '../model.ts'
import { grid, more } from './grid.ts'
import { page } from './layout.ts'
import { avatar, counted, empty, type Markup } from './parts.ts'

interface Feed {
  photos: PhotoCard[]
  nextPage: string | undefined
}

export function home(frame: Frame, { photos, nextPage }: Feed): Markup {
  const body = html`${frame.viewer ? html`<h1 class="unseen">Newest photos</h1>` : welcome()}
  ${photos.length > 0 ? grid(photos) : nothingYet()} ${more(nextPage)}`
  return page(frame, body)
}

function welcome(): Markup {
  return html`<section class="welcome">
    <h1>Photographs worth a second look.</h1>
    <p>By the people who took them. <a href="/signup">Show yours</a>.</p>
  </section>`
}

const nothingYet = () =>
  empty('No photos yet', 'The first one could be yours.', { href: '/upload', label: 'Upload a photo' })

export function tag(frame: Frame, { tag: name, photos, nextPage }: Feed & { tag: string }): Markup {
  const body = html`<header class="heading"><h1>#${name}</h1></header>
    ${photos.length > 0 ? grid(photos) : empty('Nothing here yet', `No photo has the tag #${name}.`, everything)}
    ${more(nextPage)}`
  return page(frame, body)
}

const everything = { href: '/', label: 'See the newest photos' }

export function profile(frame: Frame, of: Profile): Markup {
  const { name, handle, bio, photos } = of
  const likes = photos.reduce((sum, photo) => sum + photo.likes, 0)
  const body = html`<header class="person">
      ${avatar(of, 112)}
      <div>
        <h1>${name}</h1>
        <p class="quiet">@${handle}</p>
        ${bio ? html`<p class="bio">${bio}</p>` : ''}
        <p class="quiet">${counted(photos.length, 'photo')} · ${counted(likes, 'like')}</p>
      </div>
    </header>
    ${photos.length > 0 ? grid(photos) : noPhotosBy(of, frame.viewer?.handle === handle)}`
  return page(frame, body, { styles: ['person.css'] })
}

function noPhotosBy({ name }: Profile, isMine: boolean): Markup {
  if (!isMine) return empty('No photos yet', `${name} has not shown anything so far.`, everything)
  return empty('Your page is empty', 'Show the first photo.', { href: '/upload', label: 'Upload a photo' })
}
