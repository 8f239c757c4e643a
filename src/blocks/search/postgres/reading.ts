import { queryWithin } from '../../../postgres/limits.ts'
import type { Sql } from '../../../postgres/sql.ts'
import { mostFacetValues, mostHits, type Hits, type Query } from '../driver.ts'
import { marksOf, termsOf, type Term } from '../terms.ts'
import { mend, mistakes as mistakesBetween, shortened, type Near } from '../typos.ts'
import { foldText } from '../words.ts'
import { facetOf, fieldAndValueOf, hashOf, separator, tsqueryOf } from './lexemes.ts'

const limitMs = 10_000
const mostCandidates = 1_000
const mostNear = 50
const countedNear = 1_000
const weighedCompletions = 2_000

interface Found {
  /** The generation in use when this was read; none when the index was taken away. */
  live: number | null
  total: number
  hits: { id: string; score: number; source: string }[] | null
  facets: { facet: string; count: number }[] | null
}

/** Searches in the generation in use. Its number is remembered; each answer tells whether it still is the one. */
export class Reading {
  readonly #sql: Sql
  readonly #name: string
  #live = 0
  #text: readonly string[] = []
  #weights: readonly number[] = []

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.#name = name
  }

  start(generation: number, text: readonly string[], weights: readonly number[]): void {
    this.#live = generation
    this.#text = text
    this.#weights = weights
  }

  async search(query: Query): Promise<Hits> {
    const terms = termsOf(query.text, query.prefix)
    if (terms?.length === 0) return this.#answer(nothing, terms, query, undefined)
    const found = await this.#find(terms, query)
    if (found.total > 0 || !query.typos || !terms) return this.#answer(found, terms, query, undefined)
    const mended = await mend(terms, this)
    if (!mended) return this.#answer(found, terms, query, undefined)
    return this.#answer(await this.#find(mended.terms, query), mended.terms, query, mended.corrected)
  }

  #find(terms: readonly Term[] | undefined, query: Query): Promise<Found> {
    return this.#current(async (generation) => {
      const { text, values } = statement(this.#name, generation, this.#weights, terms, query)
      const { rows } = await queryWithin<Found>(this.#sql, limitMs, text, values)
      return rows[0]!
    })
  }

  /** Asks again when the generation asked was out of use: a rebuild ended meanwhile, here or in another process. */
  async #current<T extends { live: number | null }>(ask: (generation: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const asked = this.#live
      const answer = await ask(asked)
      if (answer.live === null) throw new Error(`the index '${this.#name}' was taken away; open it again`)
      if (answer.live === asked || attempt === 3) return answer
      this.#live = answer.live
    }
  }

  #answer(found: Found, terms: readonly Term[] | undefined, query: Query, corrected: string | undefined): Hits {
    const facets = Object.fromEntries(query.facets.map((field) => [field, [] as { value: string; count: number }[]]))
    for (const { facet, count } of found.facets ?? []) {
      const [field, value] = fieldAndValueOf(facet)
      facets[field]?.push({ value, count })
    }
    const hits = (found.hits ?? []).map((hit) => ({
      ...hit,
      marks: terms ? marksOf(JSON.parse(hit.source) as Record<string, unknown>, this.#text, terms) : {},
    }))
    return { hits, total: found.total, exact: found.total < mostHits, facets, corrected }
  }

  /** For `mend`: whether any document has the term. */
  async known(terms: readonly Term[]): Promise<boolean[]> {
    const generation = this.#live
    const { rows } = await queryWithin<{ known: boolean }>(
      this.#sql,
      limitMs,
      `select exists (select 1 from ashlar.search_documents where generation = $1 and words @@ term::tsquery) as known
       from unnest($2::text[]) with ordinality as given (term, at) order by at`,
      [generation, terms.map((term) => tsqueryOf(generation, [term]))],
    )
    return rows.map(({ known }) => known)
  }

  /** For `mend`: candidates by what is left when letters are taken away, the near ones counted. */
  async near(word: string, mistakes: number): Promise<readonly Near[]> {
    const generation = this.#live
    const hashes = shortened(word, mistakes).map((each) => hashOf(generation, each))
    const { rows } = await queryWithin<{ word: string }>(
      this.#sql,
      limitMs,
      `select word from ashlar.search_words where generation = $1 and shortened && $2::int[] limit $3`,
      [generation, hashes, mostCandidates],
    )
    const near = rows
      .map((row) => ({ word: row.word, mistakes: mistakesBetween(word, row.word) }))
      .filter((each) => each.mistakes <= mistakes)
      .sort((a, b) => a.mistakes - b.mistakes || (a.word < b.word ? -1 : 1))
    return this.#count(
      generation,
      near.slice(0, mostNear).map((each) => each.word),
    )
  }

  /** Words of documents that are gone stay in the vocabulary: only a count tells. */
  async #count(generation: number, words: readonly string[]): Promise<Near[]> {
    if (words.length === 0) return []
    const { rows } = await queryWithin<Near>(
      this.#sql,
      limitMs,
      `select word, (select count(*) from (select 1 from ashlar.search_documents
         where generation = $1 and words @@ term::tsquery limit $4) counted) as documents
       from unnest($2::text[], $3::text[]) as given (word, term)`,
      [generation, words, words.map((word) => tsqueryOf(generation, [{ words: [word], prefix: false }])), countedNear],
    )
    return rows
  }

  async complete(prefix: string, limit: number): Promise<string[]> {
    const begins = foldText(prefix)
    const { values } = await this.#current(async (generation) => {
      const { rows } = await queryWithin<{ live: number | null; values: string[] | null }>(
        this.#sql,
        limitMs,
        `with weighed as materialized (select completing, complete from ashlar.search_documents
           where generation = $2 and completing >= $3 and completing < $4 order by completing limit $5),
         best as (select completing, min(complete collate "C") as value, count(*) as documents from weighed
           group by completing order by documents desc, completing limit $6)
         select (${liveGeneration}) as live,
           (select json_agg(value order by documents desc, completing) from best) as values`,
        [this.#name, generation, begins, `${begins}\u{10ffff}`, weighedCompletions, limit],
      )
      return rows[0]!
    })
    return values ?? []
  }
}

const nothing: Found = { live: 0, total: 0, hits: null, facets: null }

const liveGeneration = `select generation from ashlar.search_generations where name = $1 and state = 'live'`

/** One statement: ranks up to `mostHits` documents, counts them and their facets, and fetches the page. */
function statement(
  name: string,
  generation: number,
  weights: readonly number[],
  terms: readonly Term[] | undefined,
  { filters, facets, offset, limit }: Query,
): { text: string; values: unknown[] } {
  const values: unknown[] = [name, generation, mostHits, offset, limit, facets, mostFacetValues]
  const bind = (value: unknown) => `$${values.push(value)}`
  const words = terms ? bind(tsqueryOf(generation, terms)) : undefined
  const score = words ? `ts_rank(${bind(weights)}::float4[], words, ${words}::tsquery, 1)` : '0'
  const conditions = Object.entries(filters).map(
    ([field, any]) => `and facets && ${bind(any.map((value) => facetOf(generation, field, value)))}::text[]`,
  )
  if (words) conditions.push(`and words @@ ${words}::tsquery`)
  const best = words ? 'score desc, id' : 'version desc, id'
  return {
    values,
    text: `
      with found as materialized (
        select id, version, ${score} as score, facets from ashlar.search_documents
        where generation = $2 and not deleted ${conditions.join(' ')} ${words ? '' : 'order by version desc, id'} limit $3),
      page as (select id, version, score from found order by ${best} offset $4 limit $5),
      counted as (
        select facet, count(*) as count from found, unnest(facets) as facet
        where split_part(substr(facet, strpos(facet, ':') + 1), '${separator}', 1) = any($6::text[]) group by facet),
      ordered as (
        select facet, count, row_number() over (
          partition by split_part(facet, '${separator}', 1) order by count desc, facet collate "C") as place from counted)
      select (${liveGeneration}) as live, (select count(*) from found) as total,
        (select json_agg(json_build_object('id', id, 'score', score, 'source', source) order by ${best})
           from (select page.*, source from page join ashlar.search_documents d using (id) where d.generation = $2) p) as hits,
        (select json_agg(json_build_object('facet', facet, 'count', count) order by count desc, facet collate "C")
           from ordered where place <= $7) as facets`,
  }
}
