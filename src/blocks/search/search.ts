import type { Block, BlockOptions, Schema } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Indexed, SearchDriver } from './driver.ts'

/** Names of the properties of a document that are text or lists of text. */
export type FieldOf<D> = {
  [Name in keyof D & string]-?: NonNullable<D[Name]> extends string | readonly string[] ? Name : never
}[keyof D & string]

/** Names of the properties of a document that are one text. */
export type TextOf<D> = {
  [Name in keyof D & string]-?: NonNullable<D[Name]> extends string ? Name : never
}[keyof D & string]

export interface SearchOptions<D> extends BlockOptions {
  /** Text fields with their weight, whole numbers 1 to 10: `{ title: 3, tags: 2, caption: 1 }`. 1 to 32 fields. */
  text: Partial<Record<FieldOf<D>, number>>
  /** Fields to count and filter by, up to 32. Default none. */
  facets?: readonly FieldOf<D>[]
  /** Field offered by completion. Default none. */
  complete?: TextOf<D>
  /** The document's id, 1 to 256 characters. Default: its property `id`. */
  id?: (document: D) => string
  /** Documents are checked by it when they are put. Default: unchecked. */
  schema?: Schema<D>
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<SearchDriver>
}

export interface SearchQuery<D> {
  /** All fields must hold; of one field's values (1 to 100) any. Values are compared exactly. */
  filters?: Partial<Record<FieldOf<D>, string | readonly string[]>>
  /** Fields to count the values of, over all hits: the 100 most frequent values of each. */
  facets?: readonly FieldOf<D>[]
  /** When no document has a word, look for the nearest known ones instead. Default true. */
  typos?: boolean
  /** Match the last word as a beginning. Default true. */
  prefix?: boolean
  /** 0 to 10,000 together with `limit`. Default 0. */
  offset?: number
  /** 1 to 100, default 20. */
  limit?: number
}

export interface Hit<D> {
  id: string
  /** Comparable inside one answer only. */
  score: number
  /** As JSON gives it back: a Date, for one, has become text. */
  document: D
  /** Text of the matched fields as safe HTML: everything escaped, hits in `<mark>`. Over 300 characters: a piece, with `…`. */
  highlights: Partial<Record<FieldOf<D>, string>>
}

export interface SearchResult<D> {
  hits: Hit<D>[]
  total: number
  /** False when there are 10,000 hits or more: `total` and the facets then count so many of them. */
  exact: boolean
  /** Documents per value, each counted once; most frequent first. */
  facets: Partial<Record<FieldOf<D>, { value: string; count: number }[]>>
  /** The words looked for instead, when typos were mended. */
  corrected: string | undefined
}

/** Ranked full text over documents whose truth is elsewhere. */
export interface Search<D extends object> extends Block {
  /**
   * Indexes a document, or replaces it when `version` is higher than what is there; else nothing happens. With `tx`: through
   * the outbox, indexed after the commit; call it after the row was written. Without `version`: the time, in microseconds.
   * @throws `invalid_argument` for a document that cannot be indexed; `unavailable` `timeout` `exhausted`
   */
  put(document: D, options?: { version?: number; tx?: Transaction }): Promise<void>
  /** An outcome for each, in order; good ones are stored whatever becomes of the others. @throws `unavailable` `timeout` */
  putMany(documents: readonly { document: D; version?: number }[]): Promise<Indexed[]>
  /** Takes a document out. Its version is remembered for 7 days, so that an earlier `put` that comes late changes nothing. */
  remove(id: string, options?: { version?: number; tx?: Transaction }): Promise<void>
  /**
   * Documents that have all these words, best first. The text is never syntax; blank text finds everything, newest first.
   * @throws `invalid_argument` for an unknown field or a filter value that no document can have; `unavailable` `timeout`
   */
  search(text: string, query?: SearchQuery<D>): Promise<SearchResult<D>>
  /** Up to `limit` (1 to 50, default 8) values of the completion field that begin like this. @throws `unsupported` without one */
  complete(prefix: string, limit?: number): Promise<string[]>
  /** What was put so far, by anyone and not through an outbox, can be found when it returns. */
  refresh(): Promise<void>
  /**
   * Builds the index anew from the system of record, without downtime: what is put meanwhile goes to both. Answers how many
   * documents were stored. On failure the index in use stays. One at a time. @throws `conflict` `invalid_argument` and what `documents` throws
   */
  rebuild(documents: AsyncIterable<{ document: D; version: number }>): Promise<number>
}
