import type pg from 'pg'
import { describe } from '../errors.ts'
import { Listener } from './listen.ts'
import { PrimaryPool, isWrongHost } from './primary.ts'
import { queryable, type Queryable, type Result, type Sql, type Transaction } from './sql.ts'
import { originOf, parsePostgresUrl, type PostgresUrl } from './url.ts'

const shared = new Map<string, { connection: Connection; users: number }>()

/**
 * Opens a database by URL. Within a process all users of one URL share one pool, which closes with the last of them.
 * Nothing is connected until first use. @throws `invalid_argument` on a malformed URL
 */
export function openSql(url: string): Sql {
  let entry = shared.get(url)
  if (!entry) shared.set(url, (entry = { connection: new Connection(parsePostgresUrl(url)), users: 0 }))
  entry.users++
  return new Share(entry.connection, async () => {
    if (--entry.users > 0) return
    shared.delete(url)
    await entry.connection.close()
  })
}

/** The pool, the primary behind it and the one connection that listens. */
class Connection {
  readonly origin: string
  readonly #primary: PrimaryPool
  readonly #listener: Listener

  constructor(url: PostgresUrl) {
    this.origin = originOf(url)
    this.#primary = new PrimaryPool(url)
    this.#listener = new Listener(() => this.#primary.pool())
  }

  async withClient<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const pool = await this.#primary.pool()
    const client = await pool.connect().catch((error: unknown) => {
      if (isWrongHost(error)) this.#primary.forget(pool)
      throw error
    })
    let failure: unknown
    try {
      return await work(client)
    } catch (error) {
      failure = error
      throw error
    } finally {
      const wrongHost = failure !== undefined && isWrongHost(failure)
      client.release(wrongHost)
      if (wrongHost) this.#primary.forget(pool)
    }
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const after: (() => void | Promise<void>)[] = []
    const result = await this.withClient(async (client) => {
      await client.query('begin')
      try {
        const done = await work({
          origin: this.origin,
          sql: queryable(client),
          afterCommit: (then) => void after.push(then),
        })
        await client.query('commit')
        return done
      } catch (error) {
        await client.query('rollback').catch(() => undefined)
        throw error
      }
    })
    await runAll(after)
    return result
  }

  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>> {
    return this.#listener.listen(channel, onNotify, onGap)
  }

  async close(): Promise<void> {
    await this.#listener.close()
    await this.#primary.close()
  }
}

async function runAll(work: (() => void | Promise<void>)[]): Promise<void> {
  await Promise.all(
    work.map(async (each) => each()).map((each) => each.catch((error: unknown) => void describe(error))),
  )
}

/** One user's share of a connection: closing it twice is harmless. */
class Share implements Sql {
  readonly #connection: Connection
  #release: (() => Promise<void>) | undefined

  constructor(connection: Connection, release: () => Promise<void>) {
    this.#connection = connection
    this.#release = release
  }

  get origin(): string {
    return this.#connection.origin
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Result<Row>> {
    return this.withClient((client) => queryable(client).query<Row>(text, values))
  }

  withClient<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#connection.withClient(work)
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#connection.transaction(work)
  }

  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>> {
    return this.#connection.listen(channel, onNotify, onGap)
  }

  async close(): Promise<void> {
    const release = this.#release
    this.#release = undefined
    await release?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Where a driver's statements run: inside the caller's transaction when there is one. */
export function inside(tx: Transaction | undefined, sql: Queryable): Queryable {
  return tx?.sql ?? sql
}
