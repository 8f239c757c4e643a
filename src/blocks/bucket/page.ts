import type { Listing, ObjectInfo } from './driver.ts'
import { successor } from './key.ts'

export interface Paging {
  prefix: string
  after?: string
  delimiter?: string
  limit: number
}

/** Objects in byte order of their keys, from a lowest key on: at most `count`. */
export type Seek = (from: Buffer, inclusive: boolean, count: number) => ObjectInfo[]

/**
 * One page of a listing. Its entries are keys and, with a delimiter, common prefixes, in one byte order; `after` skips all
 * entries up to and including itself, so a common prefix appears on one page only. A group is jumped over, never walked through.
 */
export function pageOf(paging: Paging, seek: Seek): Listing {
  const page: Listing = { objects: [], prefixes: [] }
  const { prefix, delimiter, limit } = paging
  let { from, inclusive } = start(paging)
  let last = ''
  let batch = delimiter ? 16 : limit + 1
  for (;;) {
    const found = seek(from, inclusive, batch)
    let jumped = false
    for (const info of found) {
      if (!info.key.startsWith(prefix)) return page
      if (page.objects.length + page.prefixes.length === limit) return { ...page, next: last }
      const group = groupOf(info.key, prefix, delimiter)
      last = group ?? info.key
      if (group === undefined) page.objects.push(info)
      else page.prefixes.push(group)
      jumped = group !== undefined
      from = jumped ? successor(last) : Buffer.from(last)
      inclusive = jumped
      if (jumped) break
    }
    if (!jumped && found.length < batch) return page
    batch = jumped ? 16 : Math.min(batch * 2, limit + 1)
  }
}

function start({ prefix, after, delimiter }: Paging): { from: Buffer; inclusive: boolean } {
  const lowest = Buffer.from(prefix)
  if (after === undefined || Buffer.compare(Buffer.from(after), lowest) < 0) return { from: lowest, inclusive: true }
  const group = after.startsWith(prefix) ? groupOf(after, prefix, delimiter) : undefined
  return group === undefined
    ? { from: Buffer.from(after), inclusive: false }
    : { from: successor(group), inclusive: true }
}

/** The common prefix that a key is listed under: up to the first delimiter after the prefix. */
function groupOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1
  return at < 0 ? undefined : key.slice(0, at + delimiter!.length)
}
