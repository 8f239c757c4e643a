import type { Term } from './terms.ts'
import { mayBeMisspelt } from './words.ts'

/** A known word near a misspelt one. */
export interface Near {
  word: string
  documents: number
}

/** What `mend` asks of an index. */
export interface Vocabulary {
  /** For each term, whether any document has it. */
  known(terms: readonly Term[]): Promise<boolean[]>
  /** Words at most so many mistakes away; further ones may be among them. */
  near(word: string, mistakes: number): Promise<readonly Near[]>
}

const mostAlternatives = 5
const mostMended = 8

/** Mistakes that a word may have: letters wrong, missing, added or swapped with a neighbour. */
export function mistakesAllowed(word: string): 0 | 1 | 2 {
  const { length } = Array.from(word)
  if (length < 4 || !mayBeMisspelt(word)) return 0
  return length < 8 ? 1 : 2
}

/**
 * Replaces the terms that no document has by the nearest known words: all that are equally near are looked for, the most
 * frequent one is named. `undefined` when there is nothing to mend, or a word has nothing near it.
 */
export async function mend(
  terms: readonly Term[],
  index: Vocabulary,
): Promise<{ terms: Term[]; corrected: string } | undefined> {
  const known = await index.known(terms)
  const unknown = terms.filter((_, position) => !known[position])
  if (unknown.length === 0 || unknown.length > mostMended) return undefined
  const mended = new Map<Term, Term>()
  for (const term of unknown) {
    const words = await nearest(term.words[0]!, index)
    if (words.length === 0) return undefined
    mended.set(term, { ...term, words })
  }
  const now = terms.map((term) => mended.get(term) ?? term)
  return { terms: now, corrected: now.map(({ words }) => words[0]).join(' ') }
}

async function nearest(word: string, index: Vocabulary): Promise<string[]> {
  const allowed = mistakesAllowed(word)
  if (allowed === 0) return []
  const near = (await index.near(word, allowed)).filter((each) => each.documents > 0 && shorteningOf(each.word) > 0)
  const measured = near.map((each) => ({ ...each, mistakes: mistakes(word, each.word) }))
  const least = Math.min(...measured.map((each) => each.mistakes))
  if (least > allowed) return []
  return measured
    .filter((each) => each.mistakes === least)
    .sort((a, b) => b.documents - a.documents || (a.word < b.word ? -1 : 1))
    .slice(0, mostAlternatives)
    .map((each) => each.word)
}

/** How many mistakes lie between two words (optimal string alignment distance, by code points). */
export function mistakes(one: string, other: string): number {
  const a = Array.from(one)
  const b = Array.from(other)
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

const comparedLetters = 7

/**
 * What is left of a word's first letters when up to `most` of them are taken away. Two words at most so many mistakes apart
 * have one of these in common, whatever the script: an index over them finds every near word, and few others.
 */
export function shortened(word: string, most: number): string[] {
  let layer = new Set([Array.from(word).slice(0, comparedLetters).join('')])
  const all = new Set(layer)
  for (let taken = 0; taken < most; taken++) {
    layer = new Set([...layer].flatMap(withoutOne))
    for (const each of layer) all.add(each)
  }
  return [...all]
}

function withoutOne(word: string): string[] {
  const letters = Array.from(word)
  return letters.map((_, index) => letters.toSpliced(index, 1).join(''))
}

/** How many letters are taken away from a word of the vocabulary: as many as the longest word that may mean it allows. */
export function shorteningOf(word: string): number {
  const { length } = Array.from(word)
  if (length < 3 || !mayBeMisspelt(word)) return 0
  return length < 6 ? 1 : 2
}
