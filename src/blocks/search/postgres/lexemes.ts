import type { Fields } from '../driver.ts'
import type { Term } from '../terms.ts'
import { tokensOf } from '../words.ts'

const classes = ['A', 'B', 'C', 'D'] as const
type Class = (typeof classes)[number]

/** More positions of one word are not kept by PostgreSQL. */
const mostPositions = 255

/** The four weight classes of a tsvector, given to the fields by the order of their weights. */
export interface Classes {
  of: Record<string, Class>
  /** What `ts_rank` takes: the weights of D, C, B and A, 0 to 1. */
  weights: [number, number, number, number]
}

/** Up to four different weights keep their difference; of more, neighbours share a class, which counts as its highest. */
export function classesOf(text: Fields['text']): Classes {
  const different = [...new Set(Object.values(text))].sort((a, b) => b - a)
  const indexOf = (weight: number) => {
    const place = different.indexOf(weight)
    return different.length <= 4 ? place : Math.floor((place * 4) / different.length)
  }
  const of = Object.fromEntries(Object.entries(text).map(([field, weight]) => [field, classes[indexOf(weight)]!]))
  const highest = (index: number) => (different.find((weight) => indexOf(weight) === index) ?? 0) / 10
  return { of, weights: [highest(3), highest(2), highest(1), highest(0)] }
}

/** The generation in front of each word and facet value: one GIN index holds all generations and reads only its own. */
function prefixOf(generation: number): string {
  return `${generation.toString(36)}:`
}

/** The words of a document. As they are after `tokensOf`: letters, digits, marks and emoji, nothing else. */
export function wordsIn(text: Record<string, string>): Map<string, { field: string; position: number }[]> {
  const words = new Map<string, { field: string; position: number }[]>()
  let position = 0
  for (const [field, content] of Object.entries(text)) {
    for (const { word } of tokensOf(content)) {
      const places = words.get(word) ?? []
      position++
      if (places.length < mostPositions) places.push({ field, position })
      words.set(word, places)
    }
  }
  return words
}

/** The input form of a tsvector: `'1:sunset':1A,7C '1:beach':2A`. */
export function vectorOf(generation: number, words: ReturnType<typeof wordsIn>, { of }: Classes): string {
  const prefix = prefixOf(generation)
  return [...words]
    .map(([word, places]) => {
      const positions = places.map(({ field, position }) => `${Math.min(position, 16_383)}${of[field]!}`)
      return `${quote(prefix + word)}:${positions.join(',')}`
    })
    .join(' ')
}

/** The input form of a tsquery, of folded words only: what the user wrote never reaches PostgreSQL's parser. */
export function tsqueryOf(generation: number, terms: readonly Term[]): string {
  const prefix = prefixOf(generation)
  return terms
    .map(({ words, prefix: begins }) => words.map((word) => quote(prefix + word) + (begins ? ':*' : '')).join(' | '))
    .map((any) => `(${any})`)
    .join(' & ')
}

function quote(lexeme: string): string {
  return `'${lexeme.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** Between the field and the value of a facet; no field name has it. */
export const separator = '\u001f'

export function facetOf(generation: number, field: string, value: string): string {
  return prefixOf(generation) + field + separator + value
}

export function fieldAndValueOf(facet: string): [field: string, value: string] {
  const from = facet.indexOf(':') + 1
  const between = facet.indexOf(separator, from)
  return [facet.slice(from, between), facet.slice(between + 1)]
}

/** A 32-bit hash of what is left of a word, different in each generation (FNV-1a). */
export function hashOf(generation: number, shortened: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(prefixOf(generation) + shortened)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0
}
