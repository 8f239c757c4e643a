import { AshlarError } from '../../../errors.ts'
import type { Queryable, Sql } from '../../../postgres/sql.ts'
import type { Fields } from '../driver.ts'
import { fieldsText } from '../fields.ts'

/** Work that writes documents: into these generations, the one in use first. */
export type Write<T> = (sql: Queryable, generations: readonly number[]) => Promise<T>

const beatEveryMs = 15_000
const deadAfter = '60 seconds'
const copyAtOnce = 5_000

/**
 * Which buildings of an index there are. Who writes holds a shared lock while it reads this and writes; who changes it holds
 * the exclusive one. So no write misses a rebuild that has begun: it goes to both.
 */
export class Generations {
  readonly name: string
  readonly #sql: Sql

  constructor(sql: Sql, name: string) {
    this.#sql = sql
    this.name = name
  }

  /** The generation in use, made when there is none; stale when its fields are others. */
  async ensure(fields: Fields): Promise<{ generation: number; state: 'ready' | 'stale' }> {
    const wanted = fieldsText(fields)
    return this.#changing(async (sql) => {
      const { rows } = await sql.query<{ generation: number; fields: string }>(
        `select generation, fields from ashlar.search_generations where name = $1 and state = 'live'`,
        [this.name],
      )
      const [live] = rows
      if (!live) return { generation: await add(sql, this.name, 'live', wanted), state: 'ready' }
      return { generation: live.generation, state: live.fields === wanted ? 'ready' : 'stale' }
    })
  }

  writing<T>(work: Write<T>): Promise<T> {
    return this.#sql.transaction(async ({ sql }) => {
      await sql.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [lockName(this.name)])
      const { rows } = await sql.query<{ generation: number }>(
        `select generation from ashlar.search_generations where name = $1 and state <> 'dropped' order by state desc`,
        [this.name],
      )
      if (rows.length === 0) throw new Error(`the index '${this.name}' was taken away; open it again`)
      return work(
        sql,
        rows.map(({ generation }) => generation),
      )
    })
  }

  /** Begins a rebuild; a dead one is given up first. @throws `conflict` while another is under way */
  async startBuilding(fields: Fields): Promise<Building> {
    const generation = await this.#changing(async (sql) => {
      await sql.query(
        `update ashlar.search_generations set state = 'dropped'
         where name = $1 and state = 'building' and beat_at < clock_timestamp() - $2::interval`,
        [this.name, deadAfter],
      )
      const { rows } = await sql.query(
        `select 1 from ashlar.search_generations where name = $1 and state = 'building'`,
        [this.name],
      )
      if (rows.length > 0)
        throw new AshlarError('conflict', 'this index is being rebuilt already; wait until it is done')
      return add(sql, this.name, 'building', fieldsText(fields))
    })
    return new Building(this.#sql, generation, (work) => this.#changing(work))
  }

  #changing<T>(work: (sql: Queryable) => Promise<T>): Promise<T> {
    return this.#sql.transaction(async ({ sql }) => {
      await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockName(this.name)])
      return work(sql)
    })
  }
}

const givenUp = () => new AshlarError('conflict', 'this rebuild was silent for a minute and was given up as dead')
const lockName = (name: string) => `ashlar.search ${name}`

async function add(sql: Queryable, name: string, state: 'live' | 'building', fields: string): Promise<number> {
  const { rows } = await sql.query<{ generation: number }>(
    `insert into ashlar.search_generations (name, state, fields, beat_at) values ($1, $2, $3, clock_timestamp())
     returning generation`,
    [name, state, fields],
  )
  return rows[0]!.generation
}

/** A generation being filled. It shows that it is alive until it is swapped in or ended. */
export class Building {
  readonly generation: number
  readonly #sql: Sql
  readonly #changing: <T>(work: (sql: Queryable) => Promise<T>) => Promise<T>
  readonly #timer: NodeJS.Timeout

  constructor(sql: Sql, generation: number, changing: <T>(work: (sql: Queryable) => Promise<T>) => Promise<T>) {
    this.#sql = sql
    this.generation = generation
    this.#changing = changing
    this.#timer = setInterval(() => void this.#beat().catch(() => undefined), beatEveryMs)
  }

  async #beat(): Promise<void> {
    await this.#sql.query(
      `update ashlar.search_generations set beat_at = clock_timestamp() where generation = $1 and state = 'building'`,
      [this.generation],
    )
  }

  /** Writes into this generation, as long as it has not been given up as dead. @throws `conflict` */
  writing<T>(work: Write<T>): Promise<T> {
    return this.#sql.transaction(async ({ sql }) => {
      const { rows } = await sql.query(
        `select 1 from ashlar.search_generations where generation = $1 and state = 'building' for share`,
        [this.generation],
      )
      if (!rows[0]) throw givenUp()
      return work(sql, [this.generation])
    })
  }

  /** Makes it the one in use. Answers how many documents it holds. @throws `conflict` when it was given up as dead */
  async swapIn(): Promise<number> {
    await this.#copyTombstones()
    await this.#sql.query('analyze ashlar.search_documents').catch(() => undefined)
    await this.#changing(async (sql) => {
      const { rows } = await sql.query<{ name: string }>(
        `select name from ashlar.search_generations where generation = $1 and state = 'building'`,
        [this.generation],
      )
      if (!rows[0]) throw givenUp()
      await sql.query(`update ashlar.search_generations set state = 'dropped' where name = $1 and state = 'live'`, [
        rows[0].name,
      ])
      await sql.query(`update ashlar.search_generations set state = 'live' where generation = $1`, [this.generation])
    })
    const { rows } = await this.#sql.query<{ stored: number }>(
      'select count(*) as stored from ashlar.search_documents where generation = $1 and not deleted',
      [this.generation],
    )
    return rows[0]!.stored
  }

  /** Versions of what was deleted before: a late change must not revive it. Documents of the new generation stay. */
  async #copyTombstones(): Promise<void> {
    let after = ''
    do after = await this.#copySome(after)
    while (after !== '')
  }

  async #copySome(after: string): Promise<string> {
    const { rows } = await this.#sql.query<{ last: string | null }>(
      `with chunk as materialized (
         select old.* from ashlar.search_documents old
         join ashlar.search_generations live on live.generation = old.generation and live.state = 'live'
         join ashlar.search_generations mine on mine.generation = $1 and mine.name = live.name
         where old.deleted and old.id > $2 collate "C" order by old.id limit $3),
       copied as (
         insert into ashlar.search_documents (generation, id, version, deleted, changed_at, words, facets, source)
         select $1, id, version, true, changed_at, '', '{}', '' from chunk on conflict do nothing)
       select max(id) as last from chunk`,
      [this.generation, after, copyAtOnce],
    )
    return rows[0]?.last ?? ''
  }

  /** Stops showing itself; what was not swapped in is to be dropped. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sql.query(
      `update ashlar.search_generations set state = 'dropped' where generation = $1 and state = 'building'`,
      [this.generation],
    )
  }
}
