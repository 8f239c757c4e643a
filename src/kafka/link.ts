import type { API, Connection, ConnectionOptions } from '@platformatic/kafka'
import type { Kafka } from './load.ts'
import type { Host } from './url.ts'

const connectMs = 5_000
/** What Kafka holds back on purpose (a fetch that waits, a group that gathers) is added to it. */
const answerMs = 8_000
const keepAliveMs = 5_000
const maxUnderWay = 100

/** How connections are made; the address is the link's. */
export interface LinkSetup {
  kafka: Kafka
  clientId: string
  options: Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'>
}

/**
 * One connection to one broker, made when it is needed and again when it was lost. A broker answers the requests of a
 * connection one after the other, so whatever may wait there has a link of its own.
 */
export class Link {
  readonly host: Host
  readonly #setup: LinkSetup
  readonly #holdMs: number
  #connection: Promise<Connection> | undefined
  #open: Connection | undefined
  #closed = false

  /** @param holdMs how long Kafka may hold an answer back on purpose */
  constructor(setup: LinkSetup, host: Host, holdMs = 0) {
    this.#setup = setup
    this.#holdMs = holdMs
    this.host = host
  }

  /** @throws what the client throws: `ResponseError`, `NetworkError`, `AuthenticationError` … */
  async ask<In extends unknown[], Out>(api: API<In, Out>, ...of: In): Promise<Out> {
    const connection = await this.#connected()
    return api.async(connection, ...of)
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw new this.#setup.kafka.NetworkError('the connection to Kafka is closed')
    const connection = await (this.#connection ??= this.#connect())
    if (connection.isConnected() || connection.status === 'reauthenticating') return connection
    this.#drop(connection)
    return this.#connected()
  }

  async #connect(): Promise<Connection> {
    const { kafka, clientId, options } = this.#setup
    const connection = new kafka.Connection(clientId, {
      ...options,
      connectTimeout: connectMs,
      requestTimeout: answerMs + this.#holdMs,
      maxInflights: maxUnderWay,
    })
    this.#open = connection
    connection.on('error', () => undefined) // each request hears of it by itself
    connection.once('close', () => this.#drop(connection))
    try {
      await connection.connect(this.host.host, this.host.port)
      connection.socket.setKeepAlive(true, keepAliveMs)
      if (this.#closed) throw new kafka.NetworkError('the connection to Kafka is closed')
      return connection
    } catch (error) {
      connection.socket?.destroy()
      this.#drop(connection)
      throw error
    }
  }

  #drop(connection: Connection): void {
    if (this.#open !== connection) return
    this.#open = undefined
    this.#connection = undefined
  }

  /** At once: what is under way fails. An orderly end would wait for a peer that may not answer. */
  close(): void {
    this.#closed = true
    this.#open?.socket?.destroy()
  }
}
