import type { Block, BlockOptions, Schema } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Indexed } from './driver.ts'

/** Names of the properties of a document that are text or lists of text. */
export type FieldOf<D> = keyof D & string

export interface SearchOptions<D> extends BlockOptions {
  /** Text fields with their weight, 1 to 10: `{ title: 3, tags: 2, caption: 1 }`. */
  text: Partial<Record<FieldOf<D>, number>>
  /** Fields to count and filter by. */
  facets?: readonly FieldOf<D>[]
  /** Field offered by completion. */
  complete?: FieldOf<D>
  /** The document's id. Default: its property `id`. */
  id?: (document: D) => string
  schema?: Schema<D>
}

export interface SearchQuery<D> {
  filters?: Partial<Record<FieldOf<D>, string | readonly string[]>>
  facets?: readonly FieldOf<D>[]
  /** Default true. */
  typos?: boolean
  /** Default true. */
  prefix?: boolean
  /** 0 to 10,000 together with `limit`. */
  offset?: number
  /** 1 to 100, default 20. */
  limit?: number
}

export interface Hit<D> {
  id: string
  score: number
  document: D
  /** Text of the matched fields as safe HTML: everything escaped, hits in `<mark>`. */
  highlights: Partial<Record<FieldOf<D>, string>>
}

export interface SearchResult<D> {
  hits: Hit<D>[]
  total: number
  exact: boolean
  facets: Partial<Record<FieldOf<D>, { value: string; count: number }[]>>
  corrected: string | undefined
}

/** Ranked full text over documents whose truth is elsewhere. */
export interface Search<D extends object> extends Block {
  /** With `tx`: through the outbox, indexed after the commit. Without `version`: the time, in microseconds. */
  put(document: D, options?: { version?: number; tx?: Transaction }): Promise<void>
  /** An outcome for each; good ones are stored whatever becomes of the others. */
  putMany(documents: readonly { document: D; version?: number }[]): Promise<Indexed[]>
  remove(id: string, options?: { version?: number; tx?: Transaction }): Promise<void>
  search(text: string, query?: SearchQuery<D>): Promise<SearchResult<D>>
  /** Up to `limit` (1 to 50, default 8) values of the completion field that begin like this. */
  complete(prefix: string, limit?: number): Promise<string[]>
  refresh(): Promise<void>
  /** Builds the index anew from the system of record, without downtime. Answers how many documents it holds. */
  rebuild(documents: AsyncIterable<{ document: D; version: number }>): Promise<number>
}
