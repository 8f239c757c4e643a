import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { passAnswer } from './answer.ts'
import type { Exchange } from './exchange.ts'
import { hasBody } from './respond.ts'
import type { Endpoint } from './upstream.ts'

const connectLimitMs = 2_000

/** Why an attempt got no answer. */
export class Failed extends Error {
  /** What to tell the client when nobody else can answer. */
  readonly status: 413 | 502 | 504
  /** Nothing of the request had reached the instance. */
  readonly unsent: boolean
  /** It died on a connection kept from earlier, without a byte of an answer. */
  readonly stale: boolean

  constructor(status: Failed['status'], facts: { unsent?: boolean; stale?: boolean; cause?: unknown } = {}) {
    super(`upstream failed with ${status}`, { cause: facts.cause })
    this.status = status
    this.unsent = facts.unsent ?? false
    this.stale = facts.stale ?? false
  }
}

/** One request on one connection to one instance. */
export class Attempt {
  /** Fulfilled when the answer has gone to the client. @throws Failed */
  readonly done: Promise<void>
  readonly #exchange: Exchange
  readonly #sent: ClientRequest
  readonly #late: NodeJS.Timeout
  readonly #settled = Promise.withResolvers<void>()
  #connecting: NodeJS.Timeout | undefined
  #unsent = true
  #answered = false

  constructor(exchange: Exchange, { host, port, connections }: Endpoint, fresh: boolean) {
    const { incoming, response, path, headers, timeoutMs } = exchange
    this.#exchange = exchange
    const agent = fresh ? connections.fresh : connections.agent
    this.#sent = request({ host, port, path, method: incoming.method, headers, agent, setHost: false })
    this.#late = setTimeout(() => this.#fail(new Failed(504)), timeoutMs)
    this.done = this.#settled.promise.finally(() => this.#tidy())
    response.once('close', this.#clientLeft)
    this.#sent.on('error', (error) => this.#broke(error))
    this.#sent.on('close', () => this.#answered || this.#broke())
    this.#sent.on('response', (answer) => this.#pass(answer))
    this.#sent.once('socket', (socket) => {
      if (!socket.connecting) return this.#sendBody()
      this.#connecting = setTimeout(() => this.#broke(new Error('connecting took too long')), connectLimitMs)
      socket.once('connect', () => this.#sendBody())
    })
  }

  #clientLeft = (): void => {
    if (!this.#exchange.response.writableFinished) this.#sent.destroy()
  }

  #broke(cause?: unknown): void {
    const stale = this.#sent.reusedSocket && !this.#answered
    this.#fail(new Failed(502, { unsent: this.#unsent, stale, cause }))
  }

  #fail(failure: Failed): void {
    this.#exchange.incoming.unpipe(this.#sent)
    this.#settled.reject(failure)
    this.#sent.destroy()
  }

  #tidy(): void {
    clearTimeout(this.#late)
    clearTimeout(this.#connecting)
    this.#exchange.response.off('close', this.#clientLeft)
    // An answer that came before the body was through: the connection cannot be used again.
    if (!this.#sent.writableFinished) this.#sent.destroy()
  }

  /** What comes before the answer's end is bounded by the timeout when the answer is held, else only its beginning. */
  #pass(answer: IncomingMessage): void {
    this.#answered = true
    passAnswer(this.#exchange, answer, () => clearTimeout(this.#late)).then(this.#settled.resolve, (error: unknown) =>
      this.#fail(error instanceof Failed ? error : new Failed(502, { cause: error })),
    )
  }

  /** A body is touched only once the connection stands, so that it can still go elsewhere when it does not. */
  #sendBody(): void {
    clearTimeout(this.#connecting)
    this.#unsent = false
    const { incoming, response, maxBodyBytes } = this.#exchange
    if (!hasBody(incoming)) return void this.#sent.end()
    if (incoming.headers.expect !== undefined) response.writeContinue()
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > maxBodyBytes) this.#fail(new Failed(413))
    })
    incoming.on('error', () => this.#sent.destroy())
    incoming.pipe(this.#sent)
  }
}
