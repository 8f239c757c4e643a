import { html, raw } from 'hono/html'
import type { Found, Frame, PhotoCard, PhotoDetails, Problems, Profile, SiteStats } from '../model.ts'

// Plain views, so that everything runs. The designer replaces their insides.

type View = ReturnType<typeof html>

function page(frame: Frame, body: View): View {
  return html`<!doctype html>
    <html lang="en">
      <title>${frame.title}</title>
      <p><a href="/">Shutter</a> <a href="/search">Search</a> <a href="/stats">Statistics</a>
        ${frame.viewer ? html`<a href="/upload">Upload</a> <a href="/u/${frame.viewer.handle}">${frame.viewer.name}</a>
          <form method="post" action="/logout"><button>Log out</button></form>` : html`<a href="/login">Log in</a> <a href="/signup">Sign up</a>`}</p>
      <h1>${frame.title}</h1>
      ${body}
    </html>`
}

const grid = (photos: PhotoCard[]): View =>
  html`${photos.map(({ id, title, sizes, author }) => html`<a href="/photo/${id}"><img src="${sizes[0]?.url ?? ''}" width="320" alt="${title}"></a> ${title} by <a href="/u/${author.handle}">${author.name}</a> `)}`

const next = (cursor: string | undefined): View => html`${cursor ? html`<a href="?page=${cursor}">More</a>` : ''}`
const wrong = (problems: Problems): View => html`${Object.values(problems).map((each) => html`<p>${each}</p>`)}`

interface Page {
  photos: PhotoCard[]
  nextPage: string | undefined
}

export const home = (frame: Frame, data: Page): View => page(frame, html`${grid(data.photos)}${next(data.nextPage)}`)
export const tag = (frame: Frame, data: Page & { tag: string }): View => page(frame, html`${grid(data.photos)}${next(data.nextPage)}`)
export const profile = (frame: Frame, data: Profile): View => page(frame, html`<p>${data.bio}</p>${grid(data.photos)}`)

export const photo = (frame: Frame, data: PhotoDetails): View =>
  page(frame, html`<img src="${data.sizes.at(-1)?.url ?? ''}" alt="${data.title}"><p>${data.caption}</p><p>${data.problem ?? ''}</p>
    <p>${data.likes} likes, ${data.views} views, ${data.attribution ?? ''} ${JSON.stringify(data.exif)}</p>`)

export const search = (frame: Frame, data: Found): View =>
  page(frame, html`<form><input name="q" value="${data.query}"><button>Search</button></form><p>${data.total} found ${data.corrected ?? ''}</p>
    ${data.photos.map(({ id, titleHtml }) => html`<a href="/photo/${id}">${raw(titleHtml)}</a> `)}`)

export const upload = (frame: Frame): View => page(frame, html`<p>Upload by the API.</p>`)

export const login = (frame: Frame, data: { email: string; problems: Problems }): View =>
  page(frame, html`${wrong(data.problems)}<form method="post"><input name="email" value="${data.email}"><input name="password" type="password"><button>Log in</button></form>
    ${frame.demoLogin ? html`<p>${frame.demoLogin.email} ${frame.demoLogin.password}</p>` : ''}`)

export const signup = (frame: Frame, data: { email: string; name: string; handle: string; problems: Problems }): View =>
  page(frame, html`${wrong(data.problems)}<form method="post"><input name="email" value="${data.email}"><input name="name" value="${data.name}">
    <input name="handle" value="${data.handle}"><input name="password" type="password"><button>Sign up</button></form>`)

export const stats = (frame: Frame, data: SiteStats): View => page(frame, html`<pre>${JSON.stringify(data, undefined, 2)}</pre>`)
export const notFound = (frame: Frame): View => page(frame, html`<p>There is nothing here.</p>`)
export const failure = (frame: Frame, message: string): View => page(frame, html`<p>${message}</p>`)
