import { fits, type Term } from '../terms.ts'
import { mistakes as mistakesBetween, type Near } from '../typos.ts'
import { tokensOf } from '../words.ts'

/** Which documents have a word, and with what weight: the occurrences in each field times the field's weight. */
export class Postings {
  readonly #weights: Record<string, number>
  readonly #words = new Map<string, Map<string, number>>()
  /** The words of each document, and how many it has in all. */
  readonly #documents = new Map<string, { words: readonly string[]; length: number }>()

  constructor(weights: Record<string, number>) {
    this.#weights = weights
  }

  add(id: string, text: Record<string, string>): void {
    const words = new Map<string, number>()
    let length = 0
    for (const [field, weight] of Object.entries(this.#weights)) {
      const tokens = tokensOf(text[field] ?? '')
      length += tokens.length
      for (const { word } of tokens) words.set(word, (words.get(word) ?? 0) + weight)
    }
    this.#documents.set(id, { words: [...words.keys()], length })
    for (const [word, weight] of words) {
      const documents = this.#words.get(word) ?? new Map<string, number>()
      this.#words.set(word, documents.set(id, weight))
    }
  }

  remove(id: string): void {
    for (const word of this.#documents.get(id)?.words ?? []) {
      const documents = this.#words.get(word)!
      documents.delete(id)
      if (documents.size === 0) this.#words.delete(word)
    }
    this.#documents.delete(id)
  }

  has(term: Term): boolean {
    return this.#wordsOf(term).length > 0
  }

  near(word: string, mistakes: number): Near[] {
    return [...this.#words]
      .filter(
        ([known]) => Math.abs(known.length - word.length) <= 2 * mistakes && mistakesBetween(word, known) <= mistakes,
      )
      .map(([known, documents]) => ({ word: known, documents: documents.size }))
  }

  /** Documents that have all terms. Rare words count more, many occurrences ever less, long documents a little less. */
  scores(terms: readonly Term[]): Map<string, number> {
    const [first, ...others] = terms.map((term) => this.#score(term)).sort((a, b) => a.size - b.size)
    const found = new Map<string, number>()
    for (const [id, score] of first ?? []) {
      const rest = others.map((each) => each.get(id))
      if (rest.every((each) => each !== undefined))
        found.set(id, (score + rest.reduce((sum, each) => sum + each, 0)) / this.#damping(id))
    }
    return found
  }

  #damping(id: string): number {
    return 1 + Math.log(1 + (this.#documents.get(id)?.length ?? 0))
  }

  #score(term: Term): Map<string, number> {
    const scores = new Map<string, number>()
    for (const word of this.#wordsOf(term)) {
      const documents = this.#words.get(word)!
      const rarity = Math.log(1 + this.#documents.size / documents.size)
      for (const [id, weight] of documents)
        scores.set(id, (scores.get(id) ?? 0) + (rarity * weight) / (1 + Math.log(1 + weight)))
    }
    return scores
  }

  #wordsOf(term: Term): string[] {
    if (!term.prefix) return term.words.filter((word) => this.#words.has(word))
    return [...this.#words.keys()].filter((word) => fits(word, term))
  }
}
