import type { PhotoCard } from './model.ts'
import { Refusal } from './refusal.ts'

/** Where a page begins: after this photo. Names the photo itself, so that new ones on top move nothing. */
export type Cursor = Pick<PhotoCard, 'publishedAt' | 'id'>

const start: Cursor = { publishedAt: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }

export const cursorAt = ({ publishedAt, id }: Cursor) => `${publishedAt}_${id}`

export function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return start
  const [, publishedAt, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_([0-9a-f-]{36})$/.exec(text) ?? []
  if (publishedAt === undefined || id === undefined || Number.isNaN(Date.parse(publishedAt)))
    throw new Refusal(400, 'invalid', 'This page address is not one of ours; begin with the newest photos.')
  return { publishedAt, id }
}
