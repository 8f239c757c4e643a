import type { Channel } from 'amqplib'
import { AshlarError } from '../errors.ts'
import { connect, hangUp } from './client.ts'
import { Line } from './line.ts'
import { Publisher } from './publisher.ts'
import { parseAmqpUrl, type AmqpUrl } from './url.ts'

/**
 * What all blocks of this process share of one server: a line for messages on their way in, which an alarm of the server
 * silences, and one for all else. Opened when needed, and anew after they were lost.
 */
export class Link {
  static readonly #open = new Map<string, Link>()

  /** The one for this URL; `close` it once for each time it was taken. @throws `invalid_argument` */
  static take(url: string): Link {
    const link = Link.#open.get(url) ?? new Link(url, parseAmqpUrl(url))
    Link.#open.set(url, link)
    link.#users++
    return link
  }

  readonly publisher: Publisher
  readonly #key: string
  readonly #url: AmqpUrl
  readonly #lines = new Map<string, Promise<Line>>()
  readonly #alone = new Map<string, Promise<unknown>>()
  #users = 0

  private constructor(key: string, url: AmqpUrl) {
    this.#key = key
    this.#url = url
    this.publisher = new Publisher(() => this.#line('publish'))
  }

  /** The line for all but publishing. */
  line(): Promise<Line> {
    return this.#line('consume')
  }

  /** Work on a channel of its own: an error of the server ends that channel, and nothing else. */
  async use<T>(work: (channel: Channel, line: Line) => Promise<T>): Promise<T> {
    const line = await this.line()
    const channel = await line.channel()
    try {
      return await line.ask(work(channel, line))
    } finally {
      channel.close().catch(() => undefined)
    }
  }

  /** Work that nobody else in this process does at the same time. */
  async alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#alone.get(what) ?? Promise.resolve()).then(work)
    const ended = mine.then(
      () => undefined,
      () => undefined,
    )
    this.#alone.set(what, ended)
    void ended.then(() => this.#alone.get(what) === ended && this.#alone.delete(what))
    return mine
  }

  async close(): Promise<void> {
    if (--this.#users > 0) return
    Link.#open.delete(this.#key)
    await Promise.all([...this.#lines.values()].map(async (line) => hangUp((await line).model).catch(() => undefined)))
  }

  #line(name: string): Promise<Line> {
    const known = this.#lines.get(name)
    if (known) return known
    if (this.#users === 0) throw new AshlarError('closed', 'the link to RabbitMQ is closed')
    const line = this.#dial(name)
    this.#lines.set(name, line)
    return line
  }

  async #dial(name: string): Promise<Line> {
    const forget = () => void this.#lines.delete(name)
    try {
      const line = new Line(await connect(this.#url, `ashlar ${name}`))
      line.model.on('close', forget)
      return line
    } catch (error) {
      forget()
      throw error
    }
  }
}
