import type { ConfirmChannel } from 'amqplib'
import { orAfter, settledWithin } from '../deadline.ts'
import { AmqpError, faultOf, faults } from './fault.ts'
import type { Line } from './line.ts'
import { Renewed } from './renewed.ts'

/** A message and where it goes. */
export interface Parcel {
  exchange: string
  route: string
  id: string
  body: Buffer
  headers: Record<string, unknown>
  /** Whether some queue must take it. Default true. */
  mandatory?: boolean
}

const blockedMs = 6_000
const confirmMs = 12_000

/** Publishes on a channel whose every message the server confirms once it is safe. */
export class Publisher {
  readonly #counter: Renewed<Counter>
  #last: Counter | undefined

  constructor(line: () => Promise<Line>) {
    this.#counter = new Renewed(async () => (this.#last = await Counter.open(await line())))
  }

  /** Why the server takes no messages now, as far as it has told. */
  get blocked(): string | undefined {
    return this.#last?.blocked
  }

  /** Answers, for each, the error that it met: the others are safe. @throws when none was sent */
  async publish(parcels: readonly Parcel[]): Promise<(Error | undefined)[]> {
    const counter = await this.#counter.get()
    await counter.untilOpen()
    return counter.hand(parcels)
  }
}

type Outcome = (error: Error | undefined) => void

/** One confirm channel, until it is lost. */
class Counter {
  readonly #line: Line
  readonly #channel: ConfirmChannel
  readonly #returned = new Set<string>()
  #sent = 0
  #isOpen = true
  /** Of those who wait until there is room for more. */
  #room: PromiseWithResolvers<void> | undefined
  #failure: Error | undefined

  static async open(line: Line): Promise<Counter> {
    return new Counter(line, await line.ask(line.model.createConfirmChannel()))
  }

  private constructor(line: Line, channel: ConfirmChannel) {
    this.#line = line
    this.#channel = channel
    channel.on('error', (error) => (this.#failure = faultOf(error)))
    channel.on('close', () => {
      this.#isOpen = false
      this.#room?.resolve()
    })
    channel.on('drain', () => this.#room?.resolve())
    // A message that no queue takes comes back before it is confirmed.
    channel.on('return', ({ properties }) => void this.#returned.add(String(properties.correlationId)))
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#line.lost
  }

  get blocked(): string | undefined {
    return this.#line.blocked
  }

  async untilOpen(): Promise<void> {
    await this.#line.untilUnblocked(blockedMs)
    if (this.#line.blocked !== undefined) throw this.#blocked()
  }

  async hand(parcels: readonly Parcel[]): Promise<(Error | undefined)[]> {
    const outcomes: Promise<Error | undefined>[] = []
    for (const parcel of parcels) {
      const { promise, resolve } = Promise.withResolvers<Error | undefined>()
      outcomes.push(orAfter(promise, confirmMs, () => this.#late()))
      if (!this.#send(parcel, resolve)) await this.#drained()
    }
    return Promise.all(outcomes)
  }

  /** Answers whether there is room for more. */
  #send({ exchange, route, id, body, headers, mandatory = true }: Parcel, settle: Outcome): boolean {
    const correlationId = String(this.#sent++)
    const properties = {
      messageId: id,
      correlationId,
      headers,
      mandatory,
      persistent: true,
      contentType: 'application/json',
    }
    const confirmed = (error: unknown) => {
      const isReturned = this.#returned.delete(correlationId)
      if (error) settle(this.#refusal(error))
      else settle(isReturned ? new AmqpError(faults.unroutable, `no queue of RabbitMQ takes the message`) : undefined)
    }
    try {
      return this.#channel.publish(exchange, route, body, properties, confirmed)
    } catch (error) {
      settle(this.#refusal(error))
      return true
    }
  }

  #refusal(error: unknown): Error {
    if (this.isOpen) return new AmqpError(faults.nacked, 'RabbitMQ could not keep the message', { cause: error })
    return this.#failure ?? this.#line.lost ?? faultOf(error)
  }

  /** What is blocked will be sent one day; a line that says nothing is of no use. */
  #late(): Error {
    if (this.#line.blocked !== undefined) return this.#blocked()
    this.#line.giveUp()
    return new AmqpError(faults.silent, `RabbitMQ did not confirm the message within ${confirmMs} ms`)
  }

  #blocked(): Error {
    return new AmqpError(faults.blocked, `RabbitMQ takes no messages until its alarm ends: ${this.#line.blocked}`)
  }

  async #drained(): Promise<void> {
    if (!this.isOpen) return
    this.#room ??= Promise.withResolvers()
    await settledWithin(this.#room.promise, confirmMs)
    this.#room = undefined
  }
}
