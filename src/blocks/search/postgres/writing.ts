import { describe } from '../../../errors.ts'
import type { Queryable } from '../../../postgres/sql.ts'
import type { Fields, Indexed, Indexing } from '../driver.ts'
import { shortened, shorteningOf } from '../typos.ts'
import { foldText } from '../words.ts'
import { classesOf, facetOf, hashOf, vectorOf, wordsIn, type Classes } from './lexemes.ts'
import type { Write } from './generations.ts'

/** Runs a write in a transaction of its own, with the generations to write to. */
type Transact = <T>(work: Write<T>) => Promise<T>

/** Puts items, an outcome for each; one that PostgreSQL refuses takes no other down. */
export async function putInto(fields: Fields, items: readonly Indexing[], transact: Transact): Promise<Indexed[]> {
  const classes = classesOf(fields.text)
  const outcomes = new Map<Indexing, Indexed>()
  for (const wave of wavesOf(items)) {
    const read = wave.map((item) => ({ item, words: wordsIn(item.document?.text ?? {}) }))
    for (const [{ item }, outcome] of await putWave(classes, read, transact)) outcomes.set(item, outcome)
  }
  return items.map((item) => outcomes.get(item)!)
}

/** An item and its words, cut once whatever becomes of the batch. */
interface Read {
  item: Indexing
  words: ReturnType<typeof wordsIn>
}

/** In each wave an id comes once: one statement cannot change a row twice, and items of one id keep their order. */
function wavesOf(items: readonly Indexing[]): Indexing[][] {
  const waves: Indexing[][] = []
  const seen = new Map<string, number>()
  for (const item of items) {
    const wave = seen.get(item.id) ?? 0
    seen.set(item.id, wave + 1)
    ;(waves[wave] ??= []).push(item)
  }
  return waves
}

async function putWave(classes: Classes, wave: readonly Read[], transact: Transact): Promise<[Read, Indexed][]> {
  try {
    const stored = await transact((sql, generations) => store(sql, generations, classes, wave))
    return wave.map((read) => [read, { id: read.item.id, outcome: stored.has(read.item.id) ? 'stored' : 'older' }])
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (wave.length === 1) return [[wave[0]!, await refusal(wave[0]!.item, error, transact)]]
    const half = Math.ceil(wave.length / 2)
    return [
      ...(await putWave(classes, wave.slice(0, half), transact)),
      ...(await putWave(classes, wave.slice(half), transact)),
    ]
  }
}

/** Wrong data (class 22) or beyond a limit of PostgreSQL (class 54), such as a tsvector of over 1 MB: no use trying again. */
function isRefusal(error: unknown): boolean {
  return /^(22|54)/.test((error as { code?: string } | null)?.code ?? '')
}

/** A document that cannot be stored, unless a newer one has been meanwhile. */
async function refusal({ id, version }: Indexing, error: unknown, transact: Transact): Promise<Indexed> {
  const refused: Indexed = { id, outcome: 'refused', error: describe(error) }
  if (version === undefined) return refused
  const { rows } = await transact((sql, [live]) =>
    sql.query('select 1 from ashlar.search_documents where generation = $1 and id = $2 and version >= $3', [
      live,
      id,
      version,
    ]),
  )
  return rows.length > 0 ? { id, outcome: 'older' } : refused
}

interface Row extends Read {
  generation: number
}

/** Ids that were stored in the first generation, which is the one in use. */
async function store(
  sql: Queryable,
  generations: readonly number[],
  classes: Classes,
  wave: readonly Read[],
): Promise<Set<string>> {
  // Rows are locked in one order everywhere, so that two batches cannot wait for each other.
  const ordered = wave.toSorted((a, b) => (a.item.id < b.item.id ? -1 : 1))
  const rows = generations.flatMap((generation) => ordered.map((read) => ({ generation, ...read })))
  const stored = await upsert(sql, rows, classes)
  const all = new Set(ordered.flatMap(({ words }) => [...words.keys()]))
  const known = [...all].filter((word) => shorteningOf(word) > 0).sort()
  for (const generation of generations) await learn(sql, generation, known)
  return new Set(stored.filter((row) => row.generation === generations[0]).map(({ id }) => id))
}

async function upsert(sql: Queryable, rows: readonly Row[], classes: Classes) {
  const { rows: stored } = await sql.query<{ generation: number; id: string }>(
    `with clock as materialized (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now)
     insert into ashlar.search_documents as stored
       (generation, id, version, deleted, changed_at, words, facets, complete, completing, source)
     select generation, id, coalesce(version, clock.now), deleted, now(), words::tsvector,
       array(select json_array_elements_text(facets::json)), complete, completing, source
     from clock, unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::text[]) as given (generation, id, version, deleted, words, facets, complete, completing, source)
     on conflict (generation, id) do update set version = excluded.version, deleted = excluded.deleted,
       changed_at = excluded.changed_at, words = excluded.words, facets = excluded.facets, complete = excluded.complete,
       completing = excluded.completing, source = excluded.source
     where stored.version < excluded.version
     returning generation, id`,
    columnsOf(rows, classes),
  )
  return stored
}

function columnsOf(rows: readonly Row[], classes: Classes): unknown[][] {
  const complete = rows.map(({ item }) => item.document?.complete ?? null)
  return [
    rows.map(({ generation }) => generation),
    rows.map(({ item }) => item.id),
    rows.map(({ item }) => item.version ?? null),
    rows.map(({ item }) => item.document === undefined),
    rows.map(({ generation, words }) => vectorOf(generation, words, classes)),
    rows.map(({ generation, item }) => JSON.stringify(facetsOf(generation, item))),
    complete,
    complete.map((value) => (value === null ? null : foldText(value))),
    rows.map(({ item }) => item.document?.source ?? ''),
  ]
}

function facetsOf(generation: number, { document }: Indexing): string[] {
  return Object.entries(document?.facets ?? {}).flatMap(([field, values]) =>
    values.map((value) => facetOf(generation, field, value)),
  )
}

const learnAtOnce = 5_000

/** Adds words that were never seen and may be meant by a misspelt one. Sorted, so that two batches cannot wait for each other. */
async function learn(sql: Queryable, generation: number, words: readonly string[]): Promise<void> {
  for (let at = 0; at < words.length; at += learnAtOnce) {
    const some = words.slice(at, at + learnAtOnce)
    const { rows } = await sql.query<{ word: string }>(
      `select word from unnest($2::text[]) as word
       where not exists (select 1 from ashlar.search_words known where known.generation = $1 and known.word = word.word)`,
      [generation, some],
    )
    if (rows.length > 0) await addWords(sql, generation, rows.map(({ word }) => word).sort())
  }
}

async function addWords(sql: Queryable, generation: number, words: readonly string[]): Promise<void> {
  const hashes = words.map((word) => shortened(word, shorteningOf(word)).map((each) => hashOf(generation, each)))
  await sql.query(
    `insert into ashlar.search_words (generation, word, shortened)
     select $1, word, shortened::int[] from unnest($2::text[], $3::text[]) as given (word, shortened)
     on conflict do nothing`,
    [generation, words, hashes.map((each) => `{${each.join(',')}}`)],
  )
}
