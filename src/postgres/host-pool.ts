import pg from 'pg'
import { orAfter } from '../deadline.ts'
import { AshlarError } from '../errors.ts'
import { clientConfig, connectLimitMs, cutOff, hostName, noAnswer } from './reach.ts'
import type { Host, PostgresUrl } from './url.ts'

/** Longest wait for a free connection unless the caller says otherwise. */
const acquireLimitMs = 10_000
const maxWaiting = 10_000
const endLimitMs = 8_000

/** The limit for reaching the server is the connection's own: a pool's would also be the limit for a free place. */
function clientTo(url: PostgresUrl, host: Host): NonNullable<pg.PoolConfig['Client']> {
  const config = { ...clientConfig(url, host), connectionTimeoutMillis: connectLimitMs }
  const Client = class extends pg.Client {
    constructor() {
      super(config)
    }
  }
  return Client
}

export interface HostPoolOptions {
  /** Runs on each new connection; when it throws, that one is not used. */
  greet?(client: pg.ClientBase): Promise<void>
  /** An idle connection was lost. */
  onLost?(): void
}

/** A pool to one host. Losing an idle connection is routine: it is dropped and made again, never thrown. */
export class HostPool {
  readonly host: Host
  readonly #pool: pg.Pool
  readonly #clients = new Set<pg.PoolClient>()
  readonly #size: number
  #ending: Promise<void> | undefined

  constructor(url: PostgresUrl, host: Host, { greet, onLost = () => undefined }: HostPoolOptions = {}) {
    this.host = host
    this.#size = url.poolSize
    const config = { max: url.poolSize, idleTimeoutMillis: 10_000, Client: clientTo(url, host) }
    this.#pool = new pg.Pool(greet ? { ...config, onConnect: greet } : config)
    this.#pool.on('error', onLost)
    this.#pool.on('connect', (client) => this.#watch(client))
    this.#pool.on('remove', (client) => this.#clients.delete(client))
  }

  /** The pool listens to idle ones only; the loss of one in use is told by its statement, and must not end the process. */
  #watch(client: pg.PoolClient): void {
    this.#clients.add(client)
    client.on('error', () => undefined)
  }

  get total(): number {
    return this.#pool.totalCount
  }

  get idle(): number {
    return this.#pool.idleCount
  }

  get waiting(): number {
    return this.#pool.waitingCount
  }

  /** @throws `timeout` when all stay in use, `exhausted` when too many wait already; raw errors of the connection */
  async acquire(limitMs = acquireLimitMs): Promise<pg.PoolClient> {
    if (this.waiting >= maxWaiting)
      throw new AshlarError('exhausted', `${maxWaiting} callers wait for one of ${this.#size} database connections`)
    const connecting = this.#pool.connect()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(this.#tooLate(limitMs))
      void connecting.then((client) => client.release()).catch(() => undefined)
    }, limitMs)
    try {
      return await Promise.race([connecting, late.promise])
    } catch (error) {
      throw (error as Error).message === 'timeout expired' ? noAnswer(this.host, error) : error
    } finally {
      clearTimeout(timer)
    }
  }

  #tooLate(limitMs: number): AshlarError {
    return new AshlarError(
      'timeout',
      `no free database connection to ${hostName(this.host)} within ${limitMs} ms: ${this.total} of ${this.#size} in use, ${this.waiting} waiting; ` +
        'shorten transactions, pass { tx } to what belongs to one, or raise pool_size in the URL',
    )
  }

  /** Breaks all connections: statements under way fail. For a host that answers no more. */
  cut(): void {
    for (const client of this.#clients) cutOff(client)
  }

  /** Takes no more; statements under way may end within 8 s, then they are cut. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    await orAfter(this.#pool.end(), endLimitMs, () => undefined)
    this.cut()
  }
}
