import { setImmediate as nextTurn } from 'node:timers/promises'
import type * as ioredis from 'ioredis'
import { orAfter, withinMs } from '../deadline.ts'
import { loadPeer } from '../peer.ts'
import { cleaned, RedisError } from './errors.ts'
import type { Script } from './script.ts'
import { Subscriber } from './subscriber.ts'
import { parseRedisUrl, type RedisUrl } from './url.ts'

type Library = Pick<typeof ioredis, 'Redis' | 'Cluster'>

export type Value = string | number | Buffer

/** Of ioredis: one server, or a cluster. */
export type Client = ioredis.Redis | ioredis.Cluster

const connectMs = 5_000
/** A connection on which nothing comes for so long, though something is due, is given up. */
const silentMs = 10_000
const callMs = 25_000
const longestRetryMs = 1_000

/** One client for all users of a URL in this process: it connects when it is first used and again by itself. */
export class Connection {
  readonly url: RedisUrl
  readonly client: Client
  readonly subscriber: Subscriber
  #lost: Error | undefined
  #closed = false

  private constructor(url: RedisUrl, library: Library) {
    this.url = url
    this.client = this.#make(library)
    this.subscriber = new Subscriber(() => this.#make(library))
  }

  static async open(text: string): Promise<Connection> {
    const url = parseRedisUrl(text)
    return new Connection(url, await load())
  }

  #make({ Redis, Cluster }: Library): Client {
    const { hosts, cluster, database } = this.url
    const options = optionsOf(this.url)
    const client: Client = cluster
      ? new Cluster(hosts, { ...clusterOptions, redisOptions: options })
      : new Redis({ ...options, ...hosts[0]!, db: database, enableOfflineQueue: false, retryStrategy: retryMs })
    client.on('error', (error: Error) => (this.#lost = error))
    client.on('node error', (error: Error) => (this.#lost = error))
    client.on('ready', () => (this.#lost = undefined))
    return client
  }

  /** Runs a script, atomically. Texts in its answer come as text. @throws `RedisError` */
  run<T>(script: Script, keys: readonly string[], args: readonly Value[] = []): Promise<T> {
    return this.#run<T>('evalsha', 'eval', script, [keys.length, ...keys, ...args])
  }

  /** The same; texts in its answer come as bytes. */
  runForBytes<T>(script: Script, keys: readonly string[], args: readonly Value[] = []): Promise<T> {
    return this.#run<T>('evalshaBuffer', 'evalBuffer', script, [keys.length, ...keys, ...args])
  }

  async #run<T>(
    byHash: 'evalsha' | 'evalshaBuffer',
    byText: 'eval' | 'evalBuffer',
    { sha, text }: Script,
    rest: Value[],
  ): Promise<T> {
    try {
      return await this.ask((client) => (client as unknown as Evaluating)[byHash]([sha, ...rest]) as Promise<T>)
    } catch (error) {
      // The server was started anew, or somebody flushed its scripts: nothing has run yet.
      if (!(error instanceof RedisError && error.code === 'NOSCRIPT')) throw error
      return this.ask((client) => (client as unknown as Evaluating)[byText]([text, ...rest]) as Promise<T>)
    }
  }

  /** One command, which is not repeated whatever happens. @throws `RedisError`, or `timeout` */
  async ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    try {
      await this.#ready()
      return await withinMs(question(this.client), callMs, `Redis did not answer within ${callMs} ms`)
    } catch (error) {
      // On a dead socket the client refuses at once, and hears of the end only in a later turn: whoever asks again and again
      // must let that turn come.
      await nextTurn()
      throw cleaned(error, this.#lost)
    }
  }

  /** Waits for the attempt to connect that is under way, and no longer. */
  async #ready(): Promise<void> {
    const { client } = this
    if (this.#closed) throw new RedisError('ECONNRESET', 'the connection to Redis is closed')
    if (client.status === 'ready') return
    if (client.status === 'wait') client.connect().catch(() => undefined)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const [yes, no] = [() => resolve(true), () => resolve(false)]
    client.once('ready', yes).once('close', no).once('end', no)
    const isReady = await orAfter(promise, connectMs + silentMs, () => false)
    client.off('ready', yes).off('close', no).off('end', no)
    if (!isReady) throw cleaned(this.#lost ?? new RedisError('ECONNREFUSED', 'no connection to Redis'))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.subscriber.close()
    this.client.disconnect()
  }
}

/** Some of ioredis' methods as they are: its types know them with single arguments only, or not at all. */
type Evaluating = Record<'evalsha' | 'evalshaBuffer' | 'eval' | 'evalBuffer', (args: Value[]) => Promise<unknown>>

const clusterOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  slotsRefreshTimeout: 5_000,
  clusterRetryStrategy: retryMs,
}

/** Nothing is kept while there is no connection, and nothing is sent twice: whoever asked is told, and decides. */
function optionsOf({ user, password, tls }: RedisUrl) {
  return {
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectMs,
    socketTimeout: silentMs,
    disconnectTimeout: 200,
    maxLoadingRetryTime: 200,
    connectionName: 'ashlar',
    // After a failover an old primary refuses writes on a connection that is well.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(user ? { username: user } : {}),
    ...(password ? { password } : {}),
    ...(tls ? { tls: tls === true ? {} : tls } : {}),
  }
}

function retryMs(times: number): number {
  return Math.min(longestRetryMs, 25 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 4)
}

function load(): Promise<Library> {
  return loadPeer('ioredis', () => import('ioredis'))
}
