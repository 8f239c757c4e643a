/** A document, taken apart by the portable type. */
export interface Indexing {
  id: string
  /** Higher wins; an equal or lower one than what is stored changes nothing. */
  version: number
  /** `undefined`: the document is deleted (its version is remembered for a while, so that a late change does not revive it). */
  document?: {
    /** Text per field, in the order of the declaration. */
    text: Record<string, string>
    /** Values per facet and filter field. */
    facets: Record<string, readonly string[]>
    /** What the completion field offers. */
    complete: string | undefined
    /** The whole document as JSON text, given back with a hit. */
    source: string
  }
}

/** What became of one item: a bad one never takes others down. */
export type Indexed = { id: string; outcome: 'stored' | 'older' } | { id: string; outcome: 'refused'; error: string }

export interface Query {
  /** The user's words: data, never syntax. Empty: everything, newest version first. */
  text: string
  /** Find words that are misspelt a little. */
  typos: boolean
  /** Match the last word as a prefix. */
  prefix: boolean
  /** All must hold; of one field's values any. */
  filters: Record<string, readonly string[]>
  /** Fields to count values of, over all hits. */
  facets: readonly string[]
  offset: number
  limit: number
}

export interface Hits {
  /** Best first; equal ones by id. Offsets of the matched words per field, in UTF-16 units of the field's text. */
  hits: { id: string; score: number; source: string; marks: Record<string, [start: number, end: number][]> }[]
  total: number
  /** False when `total` was not counted to the end. */
  exact: boolean
  facets: Record<string, { value: string; count: number }[]>
  /** The words actually looked for, when typos were mended. */
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
 * overwrites a higher one; it is no system of record, and can be rebuilt while it is in use. Raw errors.
 */
export interface SearchDriver {
  /** Makes the index, or checks that the one there has these fields; `stale` when it must be rebuilt. */
  ensure(fields: Fields): Promise<'ready' | 'stale'>
  /** In order, an outcome for each. */
  put(items: readonly Indexing[]): Promise<Indexed[]>
  search(query: Query): Promise<Hits>
  complete(prefix: string, limit: number): Promise<string[]>
  /** Everything put so far can be found when it returns. */
  refresh(): Promise<void>
  /** Fills a new index from `items` (puts that come meanwhile go to both) and swaps it in at the end, or drops it on failure. */
  rebuild(items: AsyncIterable<readonly Indexing[]>): Promise<number>
  stats(): Promise<{ documents: number; bytes: number }>
  close(): Promise<void>
}
