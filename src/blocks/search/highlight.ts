const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Longer texts are shown by a piece around their first hit. In UTF-16 units. */
const longest = 300
const before = 60

/** A text as safe HTML: everything escaped, what lies between the offsets in `<mark>`. A long one is cut to a piece, with `…`. */
export function highlight(text: string, marks: readonly (readonly [start: number, end: number])[]): string {
  const [from, to] = piece(text, marks[0]?.[0] ?? 0)
  let html = from > 0 ? '…' : ''
  let at = from
  for (const [start, end] of marks) {
    if (start < at || start >= to) continue
    const stop = Math.min(end, to)
    html += `${escape(text.slice(at, start))}<mark>${escape(text.slice(start, stop))}</mark>`
    at = stop
  }
  return html + escape(text.slice(at, to)) + (to < text.length ? '…' : '')
}

function piece(text: string, firstMark: number): [from: number, to: number] {
  if (text.length <= longest) return [0, text.length]
  const from = firstMark <= before ? 0 : wordStart(text, firstMark - before, firstMark)
  const to = Math.min(text.length, from + longest)
  return [from, isInsidePair(text, to) ? to - 1 : to]
}

/** The first word's beginning in a stretch of text, else its end. */
function wordStart(text: string, from: number, end: number): number {
  const space = text.slice(from, end).search(/\s/)
  if (space >= 0) return from + space + 1
  return isInsidePair(text, from) ? from + 1 : from
}

function isInsidePair(text: string, at: number): boolean {
  return /^[\udc00-\udfff]/.test(text.slice(at)) && /[\ud800-\udbff]$/.test(text.slice(0, at))
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
