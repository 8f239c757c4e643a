import type { Fields } from './driver.ts'
import { wordsVersion } from './words.ts'

/** The fields as text: the same text, the same index. The order in which they were declared does not count. */
export function fieldsText({ text, facets, complete }: Fields): string {
  const weights = Object.entries(text).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({ words: wordsVersion, text: weights, facets: [...facets].sort(), complete: complete ?? null })
}
