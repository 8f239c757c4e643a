import { html } from 'hono/html'
import type { Frame, Viewer } from '../model.ts'
import { avatar, icon, type Markup } from './parts.ts'

interface Options {
  /** Style sheets beside those of every page. */
  styles?: string[]
  /** Scripts beside that of every page. */
  scripts?: string[]
  /** What stands in the search field. */
  query?: string
}

/** A whole page: the head, the bar on top, the content, the foot. */
export function page(frame: Frame, body: Markup, { styles = [], scripts = [], query = '' }: Options = {}): Markup {
  const title = frame.title === 'Shutter' ? 'Shutter' : `${frame.title} · Shutter`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="${frame.asset('shutter.svg')}" type="image/svg+xml" />
        ${['base.css', 'bar.css', 'grid.css', ...styles].map(
          (name) => html`<link rel="stylesheet" href="${frame.asset(name)}" />`,
        )}
        ${['site.js', ...scripts].map((name) => html`<script type="module" src="${frame.asset(name)}"></script>`)}
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        ${bar(frame, query)}
        <main id="content">${body}</main>
        <footer class="foot">
          <span>Shutter, an example of <b>Ashlar</b></span>
          <nav aria-label="More"><a href="/search">All photos</a> <a href="/stats">Statistics</a></nav>
        </footer>
      </body>
    </html>`
}

function bar(frame: Frame, query: string): Markup {
  return html`<header class="bar">
    <a class="wordmark" href="/" aria-label="Shutter, newest photos">
      <img src="${frame.asset('shutter.svg')}" width="28" height="28" alt="" /><span>Shutter</span>
    </a>
    ${searchField(query)}
    <nav class="bar-actions" aria-label="You">
      ${frame.viewer ? memberLinks(frame.viewer) : strangerLinks(frame.path)}
    </nav>
  </header>`
}

function searchField(query: string): Markup {
  return html`<form class="seek" action="/search" role="search">
    ${icon('search')}
    <input
      type="search"
      name="q"
      value="${query}"
      placeholder="Search photos"
      aria-label="Search photos"
      maxlength="200"
      autocomplete="off"
      spellcheck="false"
    />
  </form>`
}

function memberLinks(viewer: Viewer): Markup {
  return html`<a class="button primary" href="/upload" aria-label="Upload">${icon('upload')}<span>Upload</span></a>
    <details class="menu">
      <summary aria-label="Menu of ${viewer.name}">${avatar(viewer, 36)}</summary>
      <div class="menu-list">
        <p><b>${viewer.name}</b><span class="quiet">@${viewer.handle}</span></p>
        <a href="/u/${viewer.handle}">Your photos</a>
        <a href="/stats">Statistics</a>
        <form method="post" action="/logout"><button>Log out</button></form>
      </div>
    </details>`
}

function strangerLinks(path: string): Markup {
  const next = ['/', '/login', '/signup'].includes(path) ? '' : `?next=${encodeURIComponent(path)}`
  return html`<a class="button" href="/login${next}">Log in</a>
    <a class="button primary wide-only" href="/signup${next}">Sign up</a>`
}
