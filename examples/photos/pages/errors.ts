import { html } from 'hono/html'
import type { Frame } from '../model.ts'
import { page } from './layout.ts'
import type { Markup } from './parts.ts'

export const notFound = (frame: Frame): Markup =>
  oops(frame, 'Nothing in the frame', 'There is no page at this address. A photo that was here may have been deleted.')

export const failure = (frame: Frame, message: string): Markup => oops(frame, 'That did not work', message)

function oops(frame: Frame, title: string, text: string): Markup {
  const body = html`<div class="empty">
    <img src="${frame.asset('shutter.svg')}" width="64" height="64" alt="" />
    <h1>${title}</h1>
    <p>${text}</p>
    <a class="button primary" href="/">See the newest photos</a>
  </div>`
  return page(frame, body)
}
