import { tokensOf, wordsOf } from './words.ts'

/** One thing to look for: any of these words, or words that begin like them. All terms of a query must be found. */
export interface Term {
  words: readonly string[]
  prefix: boolean
}

/** The terms of a user's text. `undefined`: nothing was written, so everything matches; empty: no word is in it, nothing does. */
export function termsOf(text: string, prefix: boolean): Term[] | undefined {
  if (text.trim() === '') return undefined
  const words = wordsOf(text)
  return words.map((word, index) => ({ words: [word], prefix: prefix && index === words.length - 1 }))
}

/** Where the terms stand in a text: offsets in UTF-16 units, in order, touching ones joined. */
export function marksIn(text: string, terms: readonly Term[]): [start: number, end: number][] {
  const marks: [number, number][] = []
  for (const { word, start, end } of tokensOf(text)) {
    if (!terms.some((term) => fits(word, term))) continue
    const last = marks.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else marks.push([start, end])
  }
  return marks
}

/** Marks of all text fields of a document that have any. */
export function marksOf(
  document: Record<string, unknown>,
  fields: readonly string[],
  terms: readonly Term[],
): Record<string, [start: number, end: number][]> {
  const found = fields.map((field) => [field, marksIn(fieldText(document[field]), terms)] as const)
  return Object.fromEntries(found.filter(([, marks]) => marks.length > 0))
}

export function fits(word: string, { words, prefix }: Term): boolean {
  return words.some((wanted) => (prefix ? word.startsWith(wanted) : word === wanted))
}

/** A field's text as it is indexed and marked: lists are joined by a comma. */
export function fieldText(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' ? value : ''
}
