/**
 * Driver `postgres:`: an index in any PostgreSQL from version 15, without extensions.
 *
 * URL: `postgres://user:password@host:5432/database?sslmode=…&pool_size=…&application_name=…`; other options are refused.
 * At rest: schema `ashlar`, shared by all indexes. `search_documents` holds a row per document: its words as a `tsvector` with
 * weights, its facet values, what completion offers, the document as JSON text; a deleted one keeps its version for 7 days.
 * `search_words` holds the words that misspelt ones may mean. `search_generations` says which building of an index is in use.
 * Words are cut by Ashlar (words.ts), not by a text search configuration: the same in every language and on every server.
 * What is put is found at once (`refresh` does nothing). Unsupported: nothing.
 */
import type { OpenContext } from '../../../block.ts'
import { engineName } from '../../../declare.ts'
import { invalid, type Code } from '../../../errors.ts'
import { migrate } from '../../../postgres/migrate.ts'
import { openSql } from '../../../postgres/open.ts'
import type { Sql } from '../../../postgres/sql.ts'
import type { Fields, Hits, Indexed, Indexing, Query, SearchDriver } from '../driver.ts'
import { Generations, type Building } from './generations.ts'
import { classesOf } from './lexemes.ts'
import { Reading } from './reading.ts'
import { figuresOf } from './stats.ts'
import { dropLeftovers, forgetDeleted } from './tidy.ts'
import { putInto } from './writing.ts'

export async function open(context: OpenContext): Promise<SearchDriver> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'search', new URL('../sql/', import.meta.url))
    return new PostgresSearch(sql, engineName(context))
  } catch (error) {
    await sql.close()
    throw error
  }
}

/** Deadlocks and the like pass: they are worth another try. */
export function codeOf(error: unknown): Code | undefined {
  const code = (error as { code?: string } | null | undefined)?.code
  if (code === '40P01' || code === '40001' || code === '55P03') return 'unavailable'
  return undefined
}

const tidyEveryMs = 600_000
const statsForMs = 5_000

class PostgresSearch implements SearchDriver {
  readonly #sql: Sql
  readonly #generations: Generations
  readonly #reading: Reading
  #fields: Fields | undefined
  #tidyAt = performance.now() + tidyEveryMs * Math.random()
  #tidying: Promise<void> = Promise.resolve()
  #stats: { at: number; figures: Promise<{ documents: number; bytes: number }> } | undefined

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.#generations = new Generations(sql, name)
    this.#reading = new Reading(sql, name)
  }

  async ensure(fields: Fields): Promise<'ready' | 'stale'> {
    this.#fields = fields
    const { generation, state } = await this.#generations.ensure(fields)
    this.#reading.start(generation, Object.keys(fields.text), classesOf(fields.text).weights)
    return state
  }

  async put(items: readonly Indexing[]): Promise<Indexed[]> {
    this.#tidyWhenDue()
    return putInto(this.#needFields(), items, (work) => this.#generations.writing(work))
  }

  search(query: Query): Promise<Hits> {
    return this.#reading.search(query)
  }

  complete(prefix: string, limit: number): Promise<string[]> {
    return this.#reading.complete(prefix, limit)
  }

  async refresh(): Promise<void> {
    await this.#sql.query('select 1')
  }

  async rebuild(items: AsyncIterable<readonly Indexing[]>): Promise<number> {
    const fields = this.#needFields()
    const building = await this.#generations.startBuilding(fields)
    try {
      for await (const batch of items) await this.#fill(building, batch)
      const stored = await building.swapIn()
      this.#stats = undefined
      return stored
    } finally {
      await building.end()
      await dropLeftovers(this.#sql, this.#generations.name)
    }
  }

  async #fill(building: Building, batch: readonly Indexing[]): Promise<void> {
    const outcomes = await putInto(this.#needFields(), batch, (work) => building.writing(work))
    const refused = outcomes.find((each) => each.outcome === 'refused')
    if (refused) throw invalid(`document '${refused.id}': ${refused.error}`)
  }

  stats(): Promise<{ documents: number; bytes: number }> {
    const now = performance.now()
    if (!this.#stats || now - this.#stats.at > statsForMs) {
      const figures = figuresOf(this.#sql, this.#generations.name)
      figures.catch(() => (this.#stats = undefined))
      this.#stats = { at: now, figures }
    }
    return this.#stats.figures
  }

  async close(): Promise<void> {
    await this.#tidying
    await this.#sql.close()
  }

  #needFields(): Fields {
    if (this.#fields) return this.#fields
    throw new Error('ensure() comes before put() and rebuild()')
  }

  /** Old tombstones and what killed rebuilds left: removed now and then by whoever writes. */
  #tidyWhenDue(): void {
    if (performance.now() < this.#tidyAt) return
    this.#tidyAt = performance.now() + tidyEveryMs
    this.#tidying = this.#tidying
      .then(() => forgetDeleted(this.#sql, this.#generations.name))
      .then(() => dropLeftovers(this.#sql, this.#generations.name))
      .catch(() => undefined)
  }
}
