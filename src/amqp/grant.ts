import type { ConsumeMessage } from 'amqplib'
import { setImmediate } from 'node:timers/promises'
import { settledWithin } from '../deadline.ts'
import type { Desk, Received } from './desk.ts'
import { AmqpError, faults } from './fault.ts'

/**
 * A consumer of RabbitMQ that holds at most so many messages which are not settled. What comes waits here until a receive
 * takes it.
 */
export class Grant {
  readonly desk: Desk
  readonly size: number
  /** Lent from here and not settled yet. */
  out = 0
  #arrived: ConsumeMessage[] = []
  #tag: string | undefined
  #wake: (() => void) | undefined
  #failure: Error | undefined

  constructor(desk: Desk, size: number) {
    this.desk = desk
    this.size = size
  }

  /** How many more may come. */
  get spare(): number {
    return this.size - this.out - this.#arrived.length
  }

  get waiting(): number {
    return this.#arrived.length
  }

  get isOpen(): boolean {
    return this.desk.isOpen && !this.#failure
  }

  async open(queue: string): Promise<void> {
    const { channel } = this.desk
    // In a row: the limit holds for the consumers that are made after it.
    const limited = channel.prefetch(this.size)
    const consuming = channel.consume(queue, (message) => this.#take(message))
    const [, { consumerTag }] = await this.desk.ask(Promise.all([limited, consuming]))
    this.#tag = consumerTag
  }

  #take(message: ConsumeMessage | null): void {
    if (message) this.#arrived.push(message)
    else this.#failure = new AmqpError(404, 'the queue was deleted')
    this.#wake?.()
  }

  /** Up to `max` messages; the first after `waitMs` at the latest, else none. @throws when the link or the queue is lost */
  async next(max: number, waitMs: number, signal: AbortSignal): Promise<Received[]> {
    const endMs = performance.now() + waitMs
    while (this.#arrived.length === 0) {
      if (!this.isOpen) throw this.#failure ?? new AmqpError(faults.lost, 'the link to RabbitMQ was lost')
      const leftMs = endMs - performance.now()
      if (leftMs <= 0 || signal.aborted) return []
      await this.#hint(leftMs, signal)
    }
    // More of them may have come in the same packet.
    await setImmediate()
    return this.take(max)
  }

  take(max: number): Received[] {
    return this.#arrived.splice(0, max)
  }

  wake(): void {
    this.#wake?.()
  }

  /** No more will come. Answers those that nobody took. */
  async cancel(): Promise<Received[]> {
    if (this.#tag !== undefined && this.isOpen) await this.desk.ask(this.desk.channel.cancel(this.#tag))
    return this.take(Infinity)
  }

  async #hint(limitMs: number, signal: AbortSignal): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const wake = () => woken.resolve()
    this.#wake = wake
    signal.addEventListener('abort', wake, { once: true })
    await settledWithin(woken.promise, limitMs)
    signal.removeEventListener('abort', wake)
    this.#wake = undefined
  }
}
