import type pg from 'pg'
import { AshlarError } from '../errors.ts'
import type { HostPool } from './host-pool.ts'
import { Listener } from './listen.ts'
import { PrimaryPool } from './primary.ts'
import { isLost, isReadOnly } from './reach.ts'
import { inside, queryable, type Result, type Sql, type Transaction } from './sql.ts'
import { inTransaction, OpenTransaction, runAfterCommit } from './transaction.ts'
import { originOf, parsePostgresUrl, type PostgresUrl } from './url.ts'

export { inside }

interface Shared {
  connection: Connection
  users: number
}

const shared = new Map<string, Shared>()

/**
 * Opens a database by URL. Within a process all users of one URL share one pool, which closes with the last of them.
 * Nothing is connected until first use. @throws `invalid_argument` on a malformed URL
 */
export function openSql(url: string): Sql {
  const entry = shared.get(url) ?? { connection: new Connection(parsePostgresUrl(url)), users: 0 }
  shared.set(url, entry)
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
  #pool: HostPool | undefined

  constructor(url: PostgresUrl) {
    this.origin = originOf(url)
    this.#primary = new PrimaryPool(url)
    this.#listener = new Listener(() => this.#primary.connectAlone())
  }

  get counts(): { total: number; idle: number; waiting: number } {
    const { total = 0, idle = 0, waiting = 0 } = this.#pool ?? {}
    return { total, idle, waiting }
  }

  async withClient<T>(work: (client: pg.ClientBase) => Promise<T>, acquireMs?: number): Promise<T> {
    const pool = (this.#pool = await this.#primary.pool())
    const client = await this.#acquire(pool, acquireMs)
    let failure: unknown
    try {
      return await work(client)
    } catch (error) {
      failure = error
      throw error
    } finally {
      this.#release(pool, client, failure)
    }
  }

  async #acquire(pool: HostPool, acquireMs: number | undefined): Promise<pg.PoolClient> {
    try {
      return await pool.acquire(acquireMs)
    } catch (error) {
      if (isLost(error)) this.#primary.doubt(pool)
      else if ((error as { code?: string }).code === 'timeout') void this.#primary.suspect(pool)
      throw error
    }
  }

  /** A connection is used again only when it is whole and outside of any transaction. */
  #release(pool: HostPool, client: pg.PoolClient, failure: unknown): void {
    const lost = causes(failure).some(isLost)
    const readOnly = causes(failure).some(isReadOnly)
    client.release(lost || readOnly || client.getTransactionStatus() !== 'I')
    if (readOnly) this.#primary.drop(pool)
    else if (lost) this.#primary.doubt(pool)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { result, after } = await this.withClient((client) =>
      inTransaction(client, new OpenTransaction(client, this.origin), 'begin', work),
    )
    runAfterCommit(after, this)
    return result
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Result<Row>> {
    return this.withClient((client) => queryable(client).query<Row>(text, values))
  }

  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>> {
    return this.#listener.listen(channel, onNotify, onGap)
  }

  replicate(): Promise<pg.Client> {
    return this.#primary.connectAlone({ replication: 'database' })
  }

  async close(): Promise<void> {
    await this.#listener.close()
    await this.#primary.close()
  }
}

/** An error and what caused it, three deep: a block may have wrapped the server's own. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = []
  for (let each = error; each !== undefined && each !== null && found.length < 3; each = (each as Error).cause)
    found.push(each)
  return found
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

  /** @throws `closed` for whoever has closed his share, though others go on */
  get #open(): Connection {
    if (this.#release) return this.#connection
    throw new AshlarError('closed', 'this database connection is closed')
  }

  async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Result<Row>> {
    return this.#open.query(text, values)
  }

  async withClient<T>(work: (client: pg.ClientBase) => Promise<T>, options: { acquireMs?: number } = {}): Promise<T> {
    return this.#open.withClient(work, options.acquireMs)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#open.transaction(work)
  }

  async listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>> {
    return this.#open.listen(channel, onNotify, onGap)
  }

  async replicate(): Promise<pg.Client> {
    return this.#open.replicate()
  }

  connections(): { total: number; idle: number; waiting: number } {
    return this.#connection.counts
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
