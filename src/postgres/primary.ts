import pg from 'pg'
import { AshlarError, describe } from '../errors.ts'
import type { Host, PostgresUrl } from './url.ts'

const connectTimeoutMs = 5_000
const acquireTimeoutMs = 10_000

/** How to reach one host of the cluster. */
export function clientConfig(url: PostgresUrl, { host, port }: Host): pg.PoolConfig {
  return {
    host,
    port,
    user: url.user,
    password: url.password,
    database: url.database,
    ssl: url.ssl,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'ashlar',
  }
}

/** A pool to one host. Losing an idle connection is routine: it is dropped and made again, never thrown. */
export function poolTo(url: PostgresUrl, host: Host): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(url, host),
    max: url.poolSize,
    connectionTimeoutMillis: acquireTimeoutMs,
    idleTimeoutMillis: 30_000,
  })
  pool.on('error', () => undefined)
  return pool
}

/**
 * The pool to whichever host is the primary now. It is found on first use and again after `forget()`:
 * the first host that answers `not pg_is_in_recovery()`.
 */
export class PrimaryPool {
  readonly #url: PostgresUrl
  #finding: Promise<pg.Pool> | undefined
  #closed = false

  constructor(url: PostgresUrl) {
    this.#url = url
  }

  async pool(): Promise<pg.Pool> {
    if (this.#closed) throw new AshlarError('closed', 'this database connection is closed')
    this.#finding ??= this.#find()
    try {
      return await this.#finding
    } catch (error) {
      this.#finding = undefined
      throw error
    }
  }

  /** The primary is no longer where it was: look for it at the next use. Statements under way are left to end. */
  forget(pool: pg.Pool): void {
    const finding = this.#finding
    if (!finding) return
    void finding.then(
      (found) => {
        if (found !== pool || this.#finding !== finding) return
        this.#finding = undefined
        void pool.end()
      },
      () => undefined,
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    const pool = await this.#finding?.catch(() => undefined)
    if (pool && !pool.ending) await pool.end()
  }

  async #find(): Promise<pg.Pool> {
    if (this.#url.hosts.length === 1) return poolTo(this.#url, this.#url.hosts[0]!)
    const problems: string[] = []
    for (const host of this.#url.hosts) {
      const answer = await isPrimary(this.#url, host).catch((error: unknown) => describe(error))
      if (answer === true) return poolTo(this.#url, host)
      problems.push(`${host.host}:${host.port} ${answer === false ? 'is a replica' : answer}`)
    }
    throw new AshlarError('unavailable', `no primary among the database hosts: ${problems.join('; ')}`)
  }
}

async function isPrimary(url: PostgresUrl, host: Host): Promise<boolean> {
  const client = new pg.Client(clientConfig(url, host))
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ replica: boolean }>('select pg_is_in_recovery() as replica')
    return !rows[0]!.replica
  } finally {
    await client.end().catch(() => undefined)
  }
}

const lostConnection = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '08001',
])

/** True when the error says that this host is gone or is no primary any more (SQLSTATE 25006: read-only). */
export function isWrongHost(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code
  if (code === '25006' || (code !== undefined && lostConnection.has(code))) return true
  return error instanceof Error && /Connection terminated|timeout exceeded when trying to connect/.test(error.message)
}
