import type { Msg, Subscription } from '@nats-io/transport-node'
import { settledWithin } from '../deadline.ts'
import type { Link } from './link.ts'

/** The server tells so often that it knows of our question; after two silences it is asked anew. */
const heartbeatMs = 5_000
const graceMs = 2_000
const drainMs = 2_000
const maxBytes = 8 * 1024 ** 2
const nanosPerMs = 1_000_000

export interface PullOptions {
  /** As the server names the consumer: `STREAM.CONSUMER`. */
  consumer: string
  max: number
  /** 0: only what is there. */
  waitMs: number
  signal: AbortSignal
}

/**
 * How a question for messages ended: with messages, with none in its time, because there is no such consumer (or nobody
 * who knows), or because it was forgotten and should be asked again.
 */
export type PullEnd = 'filled' | 'none' | 'missing' | 'interrupted'

export interface Pulled {
  messages: Msg[]
  end: PullEnd
}

/**
 * Asks a consumer once for messages: for all that are there, or else for one that is still to come. A question for several that
 * ended with the first would leave the others on their way to nobody, until their delivery is repeated. For the same reason one that
 * is aborted at the very moment of an arrival may delay that message.
 */
export async function pull(link: Link, options: PullOptions): Promise<Pulled> {
  if (options.signal.aborted) return { messages: [], end: 'none' }
  await link.ready()
  const question = new Question(link, options)
  try {
    return await question.ask()
  } finally {
    question.forget()
  }
}

class Question {
  readonly #link: Link
  readonly #options: PullOptions
  readonly #messages: Msg[] = []
  readonly #ended = Promise.withResolvers<PullEnd>()
  readonly #subscription: Subscription
  readonly #undo: (() => void)[] = []
  #silence: NodeJS.Timeout | undefined
  /** The server has ended the question itself: nothing more can come. */
  #isOver = false

  constructor(link: Link, options: PullOptions) {
    this.#link = link
    this.#options = options
    const inbox = `_INBOX.${crypto.randomUUID()}`
    this.#subscription = link.connection.subscribe(inbox, {
      callback: (error, message) => (error ? this.#ended.reject(error) : this.#hear(message)),
    })
    this.#ended.promise.catch(() => undefined)
  }

  async ask(): Promise<Pulled> {
    const { consumer, waitMs, signal } = this.#options
    const end = () => this.#ended.resolve('none')
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    this.#undo.push(() => signal.removeEventListener('abort', end))
    this.#undo.push(this.#link.onDown(() => this.#ended.resolve('interrupted')))
    const timer = setTimeout(end, waitMs + graceMs)
    this.#undo.push(() => clearTimeout(timer))
    this.#listen()
    const reply = this.#subscription.getSubject()
    this.#link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`, JSON.stringify(this.#request()), { reply })
    const how = await this.#ended.promise
    await this.#settle(how)
    return { messages: this.#messages, end: this.#messages.length > 0 ? 'filled' : how }
  }

  forget(): void {
    for (const undo of this.#undo) undo()
    clearTimeout(this.#silence)
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe()
  }

  #request(): object {
    const { max, waitMs } = this.#options
    const max_bytes = Math.max(maxBytes, this.#link.maxPayload + 65_536)
    if (waitMs === 0) return { batch: max, max_bytes, no_wait: true }
    const idle_heartbeat = this.#hasHeartbeat ? { idle_heartbeat: heartbeatMs * nanosPerMs } : {}
    return { batch: 1, expires: Math.max(1, Math.round(waitMs)) * nanosPerMs, ...idle_heartbeat }
  }

  /** The server refuses one that is longer than half of the wait. */
  get #hasHeartbeat(): boolean {
    return this.#options.waitMs > 2 * heartbeatMs
  }

  #listen(): void {
    if (!this.#hasHeartbeat) return
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#ended.resolve('interrupted'), 2 * heartbeatMs + graceMs)
  }

  #hear(message: Msg): void {
    this.#listen()
    const status = message.headers?.code ?? 0
    if (status === 100) return
    if (status === 0) this.#take(message)
    else {
      this.#isOver = true
      this.#ended.resolve(meaningOf(status, message.headers?.description ?? ''))
    }
  }

  #take(message: Msg): void {
    this.#messages.push(message)
    this.#isOver = this.#options.waitMs > 0 || this.#messages.length >= this.#options.max
    if (this.#isOver) this.#ended.resolve('filled')
  }

  /** Tells the server that we no longer listen, and waits for what it sent before it knew. */
  async #settle(how: PullEnd): Promise<void> {
    if (!this.#isOver && how !== 'interrupted') await settledWithin(this.#subscription.drain(), drainMs)
  }
}

function meaningOf(status: number, description: string): PullEnd {
  if (status === 503 || /consumer deleted/i.test(description)) return 'missing'
  return status === 404 || status === 408 ? 'none' : 'interrupted'
}
