import type pg from 'pg'
import { isAshlarError } from '../../errors.ts'
import { HostPool } from '../../postgres/host-pool.ts'
import { connectTo, hostName, isLost, within } from '../../postgres/reach.ts'
import type { Host, PostgresUrl } from '../../postgres/url.ts'

export const probeLimitMs = 2_000

/** What a member of the cluster said of itself. */
export interface Report {
  replica: boolean
  /** A replica: replayed up to here. The primary: flushed up to here. */
  lsn: string
  /** The primary: the end of its log, which no position of a write can be beyond. */
  end: string
  /** A replica: age of the last transaction it replayed, by the primary's clock. `null` when it has replayed none. */
  ageMs: number | null
  /** Which cluster it belongs to: a replica of another one would show other data. Empty when it may not say. */
  cluster: string
  /** When it was asked, on this process's clock. */
  atMs: number
}

const question = `
  select replica,
    (case when replica then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end)::text as lsn,
    (case when replica then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end)::text as end,
    (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 as "ageMs"
  from pg_is_in_recovery() as replica`

/** A connection could not be made, for whatever reason: nothing was asked yet. */
export class Unreachable extends Error {}

/** One host of the cluster: asked how far it is on a connection of its own, read from through a pool. */
export class Member {
  readonly name: string
  readonly #url: PostgresUrl
  readonly #host: Host
  #report: Report | undefined
  #cluster = ''
  #client: pg.Client | undefined
  #connecting: Promise<pg.Client> | undefined
  #asking: Promise<void> | undefined
  #pool: HostPool | undefined
  #closed = false

  constructor(url: PostgresUrl, host: Host) {
    this.#url = url
    this.#host = host
    this.name = hostName(host)
  }

  /** What it last said; `undefined` while it cannot be reached. */
  get report(): Report | undefined {
    return this.#report
  }

  /** How many of its connections are in use or waited for. */
  get load(): number {
    return this.#pool ? this.#pool.total - this.#pool.idle + this.#pool.waiting : 0
  }

  get connections(): number {
    return this.#pool?.total ?? 0
  }

  /** Asks it, once at a time; never throws. A host that does not answer is cut off: statements on it fail and go elsewhere. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask()
      .catch((error: unknown) => this.down(isLost(error)))
      .finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #ask(): Promise<void> {
    const atMs = performance.now()
    const rows = await within(this.#question(), probeLimitMs, `no answer from ${this.name}`)
    const [said] = rows
    if (!said?.lsn) throw new Error(`${this.name} says no position`)
    this.#report = { ...said, atMs, cluster: this.#cluster }
  }

  async #question(): Promise<Omit<Report, 'atMs' | 'cluster'>[]> {
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    const client = this.#client ?? (await this.#connecting)
    return (await client.query<Omit<Report, 'atMs' | 'cluster'>>(question)).rows
  }

  async #connect(): Promise<pg.Client> {
    if (this.#client) return this.#client
    const client = await connectTo(this.#url, this.#host)
    this.#cluster = await clusterOf(client)
    if (!this.#closed) return (this.#client = client)
    await client.end()
    throw new Error('closed')
  }

  /** It is not read from until it has answered again. */
  down(cut = false): void {
    this.#report = undefined
    this.rest()
    if (cut) this.#pool?.cut()
  }

  /** Gives up the connection for asking while nobody reads. */
  rest(): void {
    const client = this.#client
    this.#client = undefined
    void client?.end().catch(() => undefined)
  }

  /**
   * Lends a connection; one that is given back broken, or inside a transaction, is not used again.
   * @throws `timeout` when all stay in use; `Unreachable`
   */
  async withClient<T>(work: (client: pg.PoolClient) => Promise<T>, acquireMs: number): Promise<T> {
    this.#pool ??= new HostPool(this.#url, this.#host)
    const client = await this.#pool.acquire(acquireMs).catch((error: unknown) => {
      throw isAshlarError(error) ? error : new Unreachable(`${this.name} cannot be reached`, { cause: error })
    })
    let lost = false
    try {
      return await work(client)
    } catch (error) {
      lost = isLost(error)
      throw error
    } finally {
      client.release(lost || client.getTransactionStatus() !== 'I')
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#asking
    this.rest()
    await this.#pool?.end()
  }
}

async function clusterOf(client: pg.Client): Promise<string> {
  const asking = client.query<{ id: string }>('select system_identifier::text as id from pg_control_system()')
  return asking.then(
    ({ rows }) => rows[0]!.id,
    () => '',
  )
}
