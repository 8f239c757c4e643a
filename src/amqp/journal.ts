import { randomUUID } from 'node:crypto'
import type { ConsumeMessage } from 'amqplib'
import { withinMs } from '../deadline.ts'
import { answerMs } from './client.ts'
import { Desk } from './desk.ts'
import { AmqpError, faults } from './fault.ts'
import type { Link } from './link.ts'
import { Renewed } from './renewed.ts'

const stream = { durable: true, arguments: { 'x-queue-type': 'stream' } }

/**
 * What all processes of a service must agree on, as a log that each of them reads from its beginning, and follows: a stream of
 * RabbitMQ. Of two who write at the same time all see the same one first.
 */
export class Journal<Entry extends object> {
  readonly #link: Link
  readonly #queue: string
  readonly #apply: (entry: Entry) => void
  readonly #tail = new Renewed(() => this.#follow())
  readonly #awaited = new Map<string, () => void>()
  #next = 0
  #isRead = false

  constructor(link: Link, queue: string, apply: (entry: Entry) => void) {
    this.#link = link
    this.#queue = queue
    this.#apply = apply
  }

  /** Resolves when all that was written before was read. */
  async open(): Promise<void> {
    await this.#tail.get()
    if (this.#isRead) return
    await this.#write(undefined)
    this.#isRead = true
  }

  /** Resolves when it is safe, and was read here after all that comes before it. */
  async append(entry: Entry): Promise<void> {
    await this.open()
    await this.#write(entry)
  }

  async close(): Promise<void> {
    await (await this.#tail.known())?.close()
  }

  async #write(entry: Entry | undefined): Promise<void> {
    const id = randomUUID()
    const read = Promise.withResolvers<void>()
    this.#awaited.set(id, read.resolve)
    try {
      const body = Buffer.from(entry ? JSON.stringify(entry) : '')
      const [error] = await this.#link.publisher.publish([{ exchange: '', route: this.#queue, id, body, headers: {} }])
      if (error) throw error
      await withinMs(read.promise, answerMs)
    } finally {
      this.#awaited.delete(id)
    }
  }

  async #follow(): Promise<Desk> {
    await this.#link.use((channel) => channel.assertQueue(this.#queue, stream))
    const desk = await Desk.open(await this.#link.line())
    const { channel } = desk
    const from = this.#next === 0 ? 'first' : this.#next
    const take = (message: ConsumeMessage | null) => {
      if (message) this.#take(message)
      if (message) desk.done(message)
      else void desk.close()
    }
    // In a row: the limit, which a stream must have, is for the consumer that is made after it.
    const limited = channel.prefetch(100)
    const consuming = channel.consume(this.#queue, take, { arguments: { 'x-stream-offset': from } })
    await desk.ask(Promise.all([limited, consuming]))
    if (!desk.isOpen) throw new AmqpError(faults.lost, 'the link to RabbitMQ was lost')
    return desk
  }

  #take({ content, properties }: ConsumeMessage): void {
    const offset = Number(properties.headers?.['x-stream-offset'])
    // A server may begin with the batch that the offset lies in.
    if (offset < this.#next) return
    this.#next = offset + 1
    if (content.length > 0) this.#apply(JSON.parse(content.toString()) as Entry)
    this.#awaited.get(String(properties.messageId))?.()
  }
}
