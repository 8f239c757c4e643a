import { html } from 'hono/html'

/** A piece of a page: everything that was put into it is escaped. */
export type Markup = ReturnType<typeof html>

const paths = {
  heart: 'M12 20.5 4.2 12.7a4.9 4.9 0 0 1 7-6.9l.8.8.8-.8a4.9 4.9 0 0 1 7 6.9Z',
  search: 'M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13Zm4.8-1.7L20.5 20.5',
  upload: 'M12 16V4.5M7 9l5-5 5 5M4.5 15v4.5h15V15',
  close: 'M6 6l12 12M18 6 6 18',
  eye: 'M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12Zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
}

/** A small drawing beside or instead of words; the words are for `aria-label` or the text beside it. */
export function icon(name: keyof typeof paths): Markup {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${paths[name]}" /></svg>`
}

/** A member's picture; decorative, since the name always stands beside it or labels the link. */
export function avatar({ avatar: url }: { avatar: string }, size: number): Markup {
  return html`<img class="avatar" src="${url}" width="${size}" height="${size}" alt="" />`
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const grouped = new Intl.NumberFormat('en')
const day = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' })

/** `12,345` becomes `12.3K`. */
export const short = (count: number): string => compact.format(count)

/** `12,345`. */
export const whole = (count: number): string => grouped.format(count)

/** `1 photo`, `2,000 photos`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`
}

/** A day in words, or the text as it is where it is no date. */
export function dayOf(text: string): string {
  const time = Date.parse(text)
  return Number.isNaN(time) ? text : day.format(time)
}

/** What a place says that has nothing to show, and what to do about it. */
export function empty(title: string, text: string, action?: { href: string; label: string }): Markup {
  return html`<div class="empty">
    <h2>${title}</h2>
    <p>${text}</p>
    ${action ? html`<a class="button primary" href="${action.href}">${action.label}</a>` : ''}
  </div>`
}
