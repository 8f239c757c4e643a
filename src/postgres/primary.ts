import type pg from 'pg'
import { AshlarError, describe } from '../errors.ts'
import { HostPool } from './host-pool.ts'
import { connectTo, hostName, isLost, within } from './reach.ts'
import type { Host, PostgresUrl } from './url.ts'

const probeLimitMs = 5_000

/**
 * The pool to whichever host is the primary now. It is found on first use, and looked for again when a statement or a
 * connection says that it may have moved. With one host there is nothing to find: a name that leads elsewhere after a
 * failover is resolved anew by each connection.
 */
export class PrimaryPool {
  readonly #url: PostgresUrl
  #current: HostPool | undefined
  #finding: Promise<HostPool> | undefined
  #certain = false
  #closed = false

  constructor(url: PostgresUrl) {
    this.#url = url
  }

  /** @throws `closed`; `unavailable` when no host is the primary */
  async pool(): Promise<HostPool> {
    if (this.#closed) throw new AshlarError('closed', 'this database connection is closed')
    if (this.#certain && this.#current) return this.#current
    this.#finding ??= this.#find().finally(() => (this.#finding = undefined))
    return this.#finding
  }

  /** A connection outside of the pool, for LISTEN and the like; the caller ends it. */
  async connectAlone(more?: object): Promise<pg.Client> {
    const { host } = await this.pool()
    return connectTo(this.#url, host, more)
  }

  /** A connection was lost: the primary may have moved, so it is looked for at the next use. */
  doubt(pool: HostPool): void {
    if (this.#current === pool && this.#url.hosts.length > 1) this.#certain = false
  }

  /** It said that it is read-only: whatever its name leads to now, its connections lead to no primary. */
  drop(pool: HostPool): void {
    if (this.#current !== pool) return
    this.#certain = false
    this.#current = undefined
    void pool.end()
  }

  /** Nobody got a connection for long: when the host does not answer either, those that wait for it are cut. */
  async suspect(pool: HostPool): Promise<void> {
    this.doubt(pool)
    await isPrimary(this.#url, pool.host).catch((error: unknown) => isLost(error) && pool.cut())
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#finding?.catch(() => undefined)
    await this.#current?.end()
  }

  async #find(): Promise<HostPool> {
    const { hosts } = this.#url
    const host = hosts.length === 1 ? hosts[0]! : await findPrimary(this.#url)
    const before = this.#current
    this.#certain = true
    if (before?.host === host) return before
    const pool = hosts.length === 1 ? new HostPool(this.#url, host) : this.#poolTo(host)
    this.#current = pool
    void before?.end()
    return pool
  }

  /** One of several: it may have become a replica since, and says so before it is used. */
  #poolTo(host: Host): HostPool {
    const greet = async (client: pg.ClientBase) => {
      if (await isReplica(client)) throw new Error(`Connection terminated: ${hostName(host)} is no primary any more`)
    }
    const pool: HostPool = new HostPool(this.#url, host, { greet, onLost: () => this.doubt(pool) })
    return pool
  }
}

/** All hosts are asked at once: one that does not answer costs no time. @throws `unavailable` saying what each answered */
async function findPrimary(url: PostgresUrl): Promise<Host> {
  const asked = url.hosts.map(async (host) => {
    if (await isPrimary(url, host)) return host
    throw new Error('is a replica')
  })
  try {
    return await Promise.any(asked)
  } catch (error) {
    const answers = (error as AggregateError).errors.map(
      (each, index) => `${hostName(url.hosts[index]!)} ${describe(each)}`,
    )
    throw new AshlarError('unavailable', `no primary among the database hosts: ${answers.join('; ')}`, { cause: error })
  }
}

async function isPrimary(url: PostgresUrl, host: Host): Promise<boolean> {
  const client = await connectTo(url, host)
  try {
    return !(await within(isReplica(client), probeLimitMs, `${hostName(host)} does not answer`))
  } finally {
    void client.end().catch(() => undefined)
  }
}

async function isReplica(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ replica: boolean }>('select pg_is_in_recovery() as replica')
  return rows[0]!.replica
}
