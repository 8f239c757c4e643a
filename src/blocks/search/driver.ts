/** A document, taken apart by the portable type. */
export interface Indexing {
  /** 1 to 256 units, well-formed, no control characters. */
  id: string
  /**
   * Higher wins; an equal or lower one than what is stored changes nothing. `undefined`: the time of the engine's clock in
   * microseconds (of this machine's, where an engine's cannot be read) when it is applied.
   */
  version: number | undefined
  /** `undefined`: the document is deleted (its version is remembered for 7 days, so that a late change does not revive it). */
  document?: IndexedDocument
}

export interface IndexedDocument {
  /** Text per field, in the order of the declaration; always `fieldText` of the same property of `source`. */
  text: Record<string, string>
  /** Values per facet and filter field, each once: up to 256 units, well-formed, without NUL. */
  facets: Record<string, readonly string[]>
  /** What the completion field offers: up to 1000 units. */
  complete: string | undefined
  /** The whole document as JSON text, given back with a hit. */
  source: string
}

/** What became of one item: a bad one never takes others down. */
export type Indexed = { id: string; outcome: 'stored' | 'older' } | { id: string; outcome: 'refused'; error: string }

export interface Query {
  /** The user's words: data, never syntax. Blank: everything, newest version first. No word in it, as in `:*`: nothing. */
  text: string
  /** When no document has a word, look for the nearest known ones instead. */
  typos: boolean
  /** Match the last word as a prefix. */
  prefix: boolean
  /** All must hold; of one field's values any. */
  filters: Record<string, readonly string[]>
  /** Fields to count values of, over all hits. */
  facets: readonly string[]
  /** Together with `limit` at most `mostHits`. */
  offset: number
  limit: number
}

/** So many hits are ranked, counted and can be paged through; a query that matches more is answered from so many of them. */
export const mostHits = 10_000

/** So many values are given back for each facet. */
export const mostFacetValues = 100

export interface FoundDocument {
  id: string
  /** Above 0, comparable inside one answer only; 0 when no text was given. */
  score: number
  source: string
  /** Offsets of the matched words per field, in UTF-16 units of the field's text, in order and apart. */
  marks: Record<string, [start: number, end: number][]>
}

export interface Hits {
  /** Documents that have all words, in any of their fields. Best first; equal ones by id (its UTF-8 bytes). */
  hits: FoundDocument[]
  total: number
  /** False when `total` and the facets were not counted to the end: there are `mostHits` or more. */
  exact: boolean
  /** Documents per value, each counted once: most frequent first, equal ones by value, `mostFacetValues` at most. */
  facets: Record<string, { value: string; count: number }[]>
  /** The words actually looked for, when typos were mended: of several equally near ones the most frequent. */
  corrected: string | undefined
}

/** Fields of the index, as declared. */
export interface Fields {
  /** Text fields and their weight, 1 to 10. */
  text: Record<string, number>
  facets: readonly string[]
  complete: string | undefined
}

/**
 * What a search driver promises: a document is found soon after `put` (`refresh` waits for it); a lower version never
 * overwrites a higher one; it is no system of record, and can be rebuilt while it is in use. Raw errors: the portable type
 * retries and wraps. Any method may be called while others run.
 */
export interface SearchDriver {
  /** Makes the index, or checks that the one there has these fields; `stale` when it must be rebuilt. */
  ensure(fields: Fields): Promise<'ready' | 'stale'>
  /** In order, an outcome for each; up to 500 items. An item may follow an earlier one of the same id. */
  put(items: readonly Indexing[]): Promise<Indexed[]>
  search(query: Query): Promise<Hits>
  /**
   * Different values of the completion field that begin so, compared as `foldText` does: those of most documents first,
   * equal ones in order. With very many candidates the first thousands in order are weighed.
   */
  complete(prefix: string, limit: number): Promise<string[]>
  /** Everything put so far can be found when it returns. */
  refresh(): Promise<void>
  /**
   * Fills a new index with the fields of `ensure` from `items` (puts that come meanwhile, from any process, go to both) and
   * swaps it in at the end, or drops it on failure. One at a time: a second one fails with `conflict`.
   */
  rebuild(items: AsyncIterable<readonly Indexing[]>): Promise<number>
  /** Of the index in use. `documents` is counted, up to a million; `bytes` is an estimate. */
  stats(): Promise<{ documents: number; bytes: number }>
  close(): Promise<void>
}
