import type { Channel, ConsumeMessage, GetMessage } from 'amqplib'
import type { Line } from './line.ts'

export type Received = ConsumeMessage | GetMessage

/** A channel on which messages are lent: each is given back to the server when the channel ends. */
export class Desk {
  readonly channel: Channel
  readonly #line: Line
  #isOpen = true
  #onLost: (() => void) | undefined

  static async open(line: Line): Promise<Desk> {
    return new Desk(line, await line.channel())
  }

  private constructor(line: Line, channel: Channel) {
    this.#line = line
    this.channel = channel
    channel.on('close', () => {
      this.#isOpen = false
      this.#onLost?.()
    })
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#line.lost
  }

  onLost(listener: () => void): void {
    this.#onLost = listener
    if (!this.#isOpen) listener()
  }

  ask<T>(asked: Promise<T>): Promise<T> {
    return this.#line.ask(asked)
  }

  /** Answers when the server has read all that was said before. What is said in a row is read in that order. */
  async heard(): Promise<void> {
    await this.ask(this.channel.prefetch(1))
  }

  /** Takes messages one by one until there are none, or `max`. */
  async get(queue: string, max: number): Promise<GetMessage[]> {
    const got: GetMessage[] = []
    while (got.length < max) {
      const message = await this.ask(this.channel.get(queue))
      if (!message) break
      got.push(message)
    }
    return got
  }

  done(message: Received): void {
    if (this.isOpen) this.channel.ack(message)
  }

  giveBack(message: Received): void {
    if (this.isOpen) this.channel.nack(message)
  }

  async close(): Promise<void> {
    if (this.isOpen) await this.ask(this.channel.close()).catch(() => undefined)
  }
}
