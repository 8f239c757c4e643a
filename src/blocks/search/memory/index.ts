import {
  mostFacetValues,
  mostHits,
  type Fields,
  type FoundDocument,
  type Hits,
  type Indexed,
  type IndexedDocument,
  type Indexing,
  type Query,
} from '../driver.ts'
import { marksOf, termsOf, type Term } from '../terms.ts'
import { mend, type Near } from '../typos.ts'
import { foldText } from '../words.ts'
import { Postings } from './postings.ts'

interface Entry {
  version: number
  /** `undefined`: a tombstone. */
  document: IndexedDocument | undefined
  /** What completion offers, folded. */
  completing: string | undefined
}

interface Ranked {
  id: string
  document: IndexedDocument
  score: number
  version: number
}

const mostDocuments = 100_000
const mostTombstones = 10_000

/** One index: the documents by id, and their words. */
export class MemoryIndex {
  readonly fields: Fields
  readonly #entries = new Map<string, Entry>()
  readonly #tombstones = new Set<string>()
  readonly #postings: Postings
  bytes = 0

  constructor(fields: Fields) {
    this.fields = fields
    this.#postings = new Postings(fields.text)
  }

  get size(): number {
    return this.#entries.size - this.#tombstones.size
  }

  put({ id, version, document }: Indexing & { version: number }): Indexed {
    const entry = this.#entries.get(id)
    if (entry && entry.version >= version) return { id, outcome: 'older' }
    if (document && !entry?.document && this.size >= mostDocuments)
      return {
        id,
        outcome: 'refused',
        error: `the memory driver holds ${mostDocuments} documents at most; use Postgres`,
      }
    this.#forget(id, entry)
    const completing = document?.complete === undefined ? undefined : foldText(document.complete)
    this.#entries.set(id, { version, document, completing })
    if (document) this.#keep(id, document)
    else this.#bury(id)
    return { id, outcome: 'stored' }
  }

  #forget(id: string, entry: Entry | undefined): void {
    this.#tombstones.delete(id)
    if (!entry?.document) return
    this.#postings.remove(id)
    this.bytes -= entry.document.source.length
  }

  #keep(id: string, document: IndexedDocument): void {
    this.#postings.add(id, document.text)
    this.bytes += document.source.length
  }

  #bury(id: string): void {
    this.#tombstones.add(id)
    if (this.#tombstones.size <= mostTombstones) return
    const [oldest] = this.#tombstones
    this.#tombstones.delete(oldest!)
    this.#entries.delete(oldest!)
  }

  /** Versions of what was deleted in another index; documents that are here stay. */
  adoptTombstones(other: MemoryIndex): void {
    for (const id of other.#tombstones) {
      if (this.#entries.has(id)) continue
      this.#entries.set(id, other.#entries.get(id)!)
      this.#bury(id)
    }
  }

  async search(query: Query): Promise<Hits> {
    const terms = termsOf(query.text, query.prefix)
    const found = this.#rank(terms, query)
    if (found.length > 0 || !query.typos || !terms) return this.#answer(found, terms, query, undefined)
    const mended = await mend(terms, this)
    if (!mended) return this.#answer(found, terms, query, undefined)
    return this.#answer(this.#rank(mended.terms, query), mended.terms, query, mended.corrected)
  }

  /** For `mend`: whether any document has the term. */
  async known(terms: readonly Term[]): Promise<boolean[]> {
    return terms.map((term) => this.#postings.has(term))
  }

  /** For `mend`. */
  async near(word: string, mistakes: number): Promise<readonly Near[]> {
    return this.#postings.near(word, mistakes)
  }

  #rank(terms: readonly Term[] | undefined, query: Query): Ranked[] {
    const ranked: Ranked[] = []
    for (const [id, score] of terms ? this.#postings.scores(terms) : this.#everything()) {
      const { document, version } = this.#entries.get(id)!
      if (document && passes(document, query.filters)) ranked.push({ id, document, score, version })
    }
    const order = terms ? byScore : byVersion
    return ranked.sort((a, b) => order(a, b) || compareIds(a.id, b.id)).slice(0, mostHits)
  }

  *#everything(): Generator<[id: string, score: number]> {
    for (const id of this.#entries.keys()) yield [id, 0]
  }

  #answer(
    found: readonly Ranked[],
    terms: readonly Term[] | undefined,
    query: Query,
    corrected: string | undefined,
  ): Hits {
    const page = found.slice(query.offset, query.offset + query.limit)
    return {
      hits: page.map((hit) => toFound(hit, Object.keys(this.fields.text), terms ?? [])),
      total: found.length,
      exact: found.length < mostHits,
      facets: Object.fromEntries(query.facets.map((field) => [field, countValues(found, field)])),
      corrected,
    }
  }

  complete(prefix: string, limit: number): string[] {
    const begins = foldText(prefix)
    const found = new Map<string, { value: string; count: number }>()
    for (const { document, completing } of this.#entries.values()) {
      const value = document?.complete
      if (value === undefined || !completing?.startsWith(begins)) continue
      const same = found.get(completing)
      found.set(completing, { value: same && same.value < value ? same.value : value, count: (same?.count ?? 0) + 1 })
    }
    return [...found]
      .sort(([a, one], [b, other]) => other.count - one.count || compareIds(a, b))
      .slice(0, limit)
      .map(([, { value }]) => value)
  }
}

const byScore = (a: Ranked, b: Ranked) => b.score - a.score
const byVersion = (a: Ranked, b: Ranked) => b.version - a.version

/** By UTF-8 bytes, as engines do it: JavaScript's own order differs beyond U+FFFF. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function passes({ facets }: IndexedDocument, filters: Query['filters']): boolean {
  return Object.entries(filters).every(([field, values]) => values.some((value) => facets[field]?.includes(value)))
}

function countValues(found: readonly Ranked[], field: string): { value: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { document } of found)
    for (const value of document.facets[field] ?? []) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || compareIds(a.value, b.value))
    .slice(0, mostFacetValues)
}

function toFound({ id, score, document }: Ranked, fields: readonly string[], terms: readonly Term[]): FoundDocument {
  const parsed = JSON.parse(document.source) as Record<string, unknown>
  return { id, score, source: document.source, marks: marksOf(parsed, fields, terms) }
}
