import type { PhotoCard } from './model.ts'
import { isId } from './input.ts'
import { Refusal } from './refusal.ts'

/** Where a page begins: after this photo. Names the photo itself, so that new ones on top move nothing. */
export type Cursor = Pick<PhotoCard, 'publishedAt' | 'id'>

const start: Cursor = { publishedAt: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }

export const cursorAt = ({ publishedAt, id }: Cursor) => `${publishedAt}_${id}`

export function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return start
  const [, publishedAt, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_(.*)$/.exec(text) ?? []
  if (publishedAt === undefined || !isId(id) || !isTime(publishedAt))
    throw new Refusal(400, 'invalid', 'This page address is not one of ours; begin with the newest photos.')
  return { publishedAt, id }
}

/** Whether a date has this day: 30 February, which `Date.parse` takes for 2 March, the database refuses. So it does year 0. */
function isTime(text: string): boolean {
  const time = Date.parse(text)
  return !text.startsWith('0000') && !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 23))
}
