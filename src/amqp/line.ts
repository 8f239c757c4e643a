import type { Channel, ChannelModel } from 'amqplib'
import { withinMs } from '../deadline.ts'
import { isAshlarError } from '../errors.ts'
import { answerMs, destroy } from './client.ts'
import { AmqpError, faultOf, faults } from './fault.ts'

/** One connection to RabbitMQ, until it is lost. */
export class Line {
  readonly model: ChannelModel
  #lost: Error | undefined
  #blocked: string | undefined
  readonly #unblocked = new Set<() => void>()

  constructor(model: ChannelModel) {
    this.model = model
    model.on('error', (error) => (this.#lost ??= faultOf(error)))
    model.on('close', (error) => this.#close(error))
    model.on('blocked', (reason) => (this.#blocked = reason))
    model.on('unblocked', () => {
      this.#blocked = undefined
      this.#wake()
    })
  }

  /** Why it is of no more use. */
  get lost(): Error | undefined {
    return this.#lost
  }

  /** Why the server takes no messages: an alarm of memory or disk. */
  get blocked(): string | undefined {
    return this.#blocked
  }

  /**
   * The answer to a question. A line that is silent for so long is given up: nothing else on it would be answered.
   * @throws AmqpError
   */
  async ask<T>(asked: Promise<T>): Promise<T> {
    try {
      return await withinMs(asked, answerMs)
    } catch (error) {
      if (!isAshlarError(error, 'timeout')) throw this.#lost ?? faultOf(error)
      this.giveUp()
      throw new AmqpError(faults.silent, `RabbitMQ did not answer within ${answerMs} ms`)
    }
  }

  giveUp(): void {
    this.#lost ??= new AmqpError(faults.silent, 'RabbitMQ does not answer; the link was given up')
    destroy(this.model)
  }

  /** Its own errors are told to those who wait on it; nobody else listens. */
  async channel(): Promise<Channel> {
    const channel = await this.ask(this.model.createChannel())
    channel.on('error', () => undefined)
    return channel
  }

  /** Resolves when messages are taken, or at the latest after so long. */
  async untilUnblocked(limitMs: number): Promise<void> {
    if (this.#blocked === undefined) return
    const unblocked = Promise.withResolvers<void>()
    this.#unblocked.add(unblocked.resolve)
    await withinMs(unblocked.promise, limitMs).catch(() => undefined)
    this.#unblocked.delete(unblocked.resolve)
  }

  #close(error: unknown): void {
    this.#lost ??= error ? faultOf(error) : new AmqpError(faults.lost, 'the link to RabbitMQ was closed')
    destroy(this.model)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#unblocked) wake()
  }
}
