import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import type { JetStreamManager } from '@nats-io/jetstream'
import { orAfter, settledWithin } from '../deadline.ts'
import { Shared } from '../shared.ts'
import { connectTo, isAtLeast, type Connected } from './connect.ts'
import { ApiFault, NatsFault } from './faults.ts'
import { parseNatsUrl, type NatsUrl } from './url.ts'

/** How long one question may take, waiting for the link included. */
export const askMs = 5_000
const closeMs = 2_000

export type Fields = Readonly<Record<string, string>>

/** A connection that all drivers of this process with the same URL share. */
export class Link {
  readonly connection: NatsConnection
  readonly url: NatsUrl
  /** For what is asked seldom: streams and consumers. */
  readonly jsm: JetStreamManager
  readonly #headers: () => MsgHdrs
  readonly #onDown = new Set<() => void>()
  #up = Promise.withResolvers<void>()
  #isUp = true

  private constructor(url: NatsUrl, { connection, jsm }: Connected, headers: () => MsgHdrs) {
    this.url = url
    this.connection = connection
    this.jsm = jsm
    this.#headers = headers
    this.#up.resolve()
    void this.#watch()
  }

  static async open(url: NatsUrl): Promise<Link> {
    const connected = await connectTo(url)
    const { headers } = await import('@nats-io/transport-node')
    return new Link(url, connected, headers)
  }

  /** Largest message, headers included, in bytes. */
  get maxPayload(): number {
    return this.connection.info?.max_payload ?? 1024 ** 2
  }

  isServerAtLeast(version: string): boolean {
    return isAtLeast(this.connection.info?.version ?? '', version)
  }

  /** Waits until the link is up. What is written while it is down would be sent later, when nobody waits for it any more. */
  async ready(limitMs = askMs): Promise<void> {
    if (this.#isUp && !this.connection.isClosed()) return
    await orAfter(this.#up.promise, limitMs, () => {
      throw new NatsFault('unavailable', 'there is no connection to the NATS server; trying to get one')
    })
    if (this.connection.isClosed()) throw new NatsFault('unavailable', 'the connection to the NATS server was closed')
  }

  /** Calls back when the link is lost: what was asked may never be answered. Answers how to take that back. */
  onDown(tell: () => void): () => void {
    if (!this.#isUp) queueMicrotask(tell)
    this.#onDown.add(tell)
    return () => void this.#onDown.delete(tell)
  }

  headersOf(fields: Fields): MsgHdrs {
    const headers = this.#headers()
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    return headers
  }

  /** Asks and waits for the answer. @throws TimeoutError, RequestError of the client */
  async ask(subject: string, payload: string | Uint8Array, fields?: Fields, limitMs = askMs): Promise<Msg> {
    await this.ready(limitMs)
    const options = { timeout: limitMs, ...(fields && { headers: this.headersOf(fields) }) }
    return this.connection.request(subject, payload, options)
  }

  /** A question to JetStream's API, or a message for a stream. @throws `ApiFault` with what it answered */
  async api<R>(subject: string, payload: string | Uint8Array, fields?: Fields, limitMs = askMs): Promise<R> {
    const { data } = await this.ask(subject, payload, fields, limitMs)
    const answer = JSON.parse(Buffer.from(data).toString()) as R & {
      error?: { err_code?: number; description?: string }
    }
    if (answer.error) throw new ApiFault(answer.error)
    return answer
  }

  /** Something of the client's own manager, once the link is up. */
  async manage<R>(work: (jsm: JetStreamManager) => Promise<R>): Promise<R> {
    await this.ready()
    return work(this.jsm)
  }

  async close(): Promise<void> {
    await settledWithin(this.connection.close(), closeMs)
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') this.#down()
      else if (type === 'reconnect') {
        this.#isUp = true
        this.#up.resolve()
      }
    }
    this.#down()
    this.#up.resolve()
  }

  #down(): void {
    if (this.#isUp) this.#up = Promise.withResolvers()
    this.#isUp = false
    for (const tell of this.#onDown) tell()
  }
}

const links = new Shared<Link>((link) => link.close())

/** The link for a URL, opened if it is the first, and what to call when done with it. @throws `invalid_argument`, raw errors */
export async function takeLink(text: string): Promise<{ link: Link; release: () => Promise<void> }> {
  const url = parseNatsUrl(text)
  const { of: link, release } = await links.take(text, () => Link.open(url))
  return { link, release }
}
