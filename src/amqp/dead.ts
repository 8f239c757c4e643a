import { setTimeout as sleep } from 'node:timers/promises'
import { Desk, type Received } from './desk.ts'
import type { AmqpError } from './fault.ts'
import { Grant } from './grant.ts'
import type { Link } from './link.ts'
import { envelopeOf, headersOf, type Envelope } from './message.ts'
import type { Parcel } from './publisher.ts'

/** What one look at them may take altogether. */
const lookMs = 20_000
const lockMs = 8_000
/** RabbitMQ has shown all that it has when nothing came for so long. */
const silenceMs = 1_000
const batch = 500
const largestGrant = 10_000
const never = new AbortController().signal

/**
 * The dead letters of a queue: a queue of their own, oldest first. RabbitMQ cannot show messages without handing them out,
 * so whoever looks takes them all and gives them back, while nobody else does: a lock sees to that.
 */
export class DeadLetters {
  readonly queue: string
  readonly #link: Link

  constructor(link: Link, of: string) {
    this.#link = link
    this.queue = `${of}:dead`
  }

  parcel(envelope: Envelope): Parcel {
    return { exchange: '', route: this.queue, id: envelope.id, body: envelope.body, headers: headersOf(envelope) }
  }

  async count(): Promise<number> {
    return this.#link.use(async (channel) => (await channel.checkQueue(this.queue)).messageCount)
  }

  async list(limit: number): Promise<Envelope[]> {
    if ((await this.count()) === 0) return []
    return this.#alone(async (look) => {
      const found: Envelope[] = []
      for await (const messages of look.batches(limit)) found.push(...messages.map((message) => envelopeOf(message)))
      return found
    })
  }

  /** Sends them on, each safe there before it goes here. Answers how many: less than asked for where time was up. */
  async redrive(ids: readonly string[] | 'all', onward: (envelope: Envelope) => Parcel): Promise<number> {
    if (ids.length === 0 || (await this.count()) === 0) return 0
    const wanted = ids === 'all' ? undefined : new Set(ids)
    return this.#alone(async (look) => {
      let sent = 0
      for await (const messages of look.batches(Infinity)) {
        const chosen = messages.filter((message) => wanted?.delete(envelopeOf(message).id) ?? true)
        sent += await this.#send(look, chosen, onward)
        if (wanted?.size === 0) break
      }
      return sent
    })
  }

  async #send(look: Look, chosen: readonly Received[], onward: (envelope: Envelope) => Parcel): Promise<number> {
    if (chosen.length === 0) return 0
    const errors = await this.#link.publisher.publish(chosen.map((message) => onward(envelopeOf(message))))
    chosen.forEach((message, i) => errors[i] === undefined && look.done(message))
    const failure = errors.find((error) => error !== undefined)
    if (failure) throw failure
    return chosen.length
  }

  async #alone<T>(work: (look: Look) => Promise<T>): Promise<T> {
    return this.#link.alone(this.queue, async () => {
      const lock = await this.#lock()
      try {
        return await this.#look(work)
      } finally {
        await lock.close()
      }
    })
  }

  async #look<T>(work: (look: Look) => Promise<T>): Promise<T> {
    const look = new Look(await Desk.open(await this.#link.line()), this.queue)
    try {
      return await work(look)
    } finally {
      await look.end()
    }
  }

  /** A queue that belongs to one connection, and goes with it. */
  async #lock(): Promise<Desk> {
    const endMs = performance.now() + lockMs
    for (;;) {
      const desk = await Desk.open(await this.#link.line())
      const name = `${this.queue}:lock`
      try {
        await desk.ask(desk.channel.assertQueue(name, { exclusive: true, durable: false }))
        return Object.assign(desk, {
          close: () => desk.ask(desk.channel.deleteQueue(name)).then(() => desk.channel.close()),
        })
      } catch (error) {
        if ((error as AmqpError).code !== '405' || performance.now() > endMs) throw error
        await sleep(50)
      }
    }
  }
}

/** One look through a queue. */
class Look {
  readonly #desk: Desk
  readonly #queue: string
  readonly #endMs = performance.now() + lookMs
  /** Which of them were seen and stay. */
  readonly #kept = new Map<number, Received>()
  #all = 0

  constructor(desk: Desk, queue: string) {
    this.#desk = desk
    this.#queue = queue
  }

  /** Those that are there now, up to so many, oldest first. */
  async *batches(limit: number): AsyncGenerator<Received[]> {
    this.#all = (await this.#desk.ask(this.#desk.channel.checkQueue(this.#queue))).messageCount
    let left = Math.min(limit, this.#all)
    while (left > 0 && performance.now() < this.#endMs) {
      const grant = new Grant(this.#desk, Math.min(left, largestGrant))
      await grant.open(this.#queue)
      let room = grant.size
      while (room > 0) {
        const messages = await grant.next(Math.min(room, batch), silenceMs, never)
        if (messages.length === 0) left = 0
        if (messages.length === 0) break
        room -= messages.length
        left -= messages.length
        for (const { fields } of messages) this.#kept.set(fields.deliveryTag, { fields } as Received)
        yield messages
      }
      await grant.cancel()
    }
  }

  done(message: Received): void {
    this.#kept.delete(message.fields.deliveryTag)
    this.#desk.done(message)
  }

  /** Gives back what stays, and waits until it is back. */
  async end(): Promise<void> {
    for (const message of this.#kept.values()) this.#desk.giveBack(message)
    await this.#desk.heard()
    while (this.#desk.isOpen && performance.now() < this.#endMs) {
      const { messageCount } = await this.#desk.ask(this.#desk.channel.checkQueue(this.#queue))
      if (messageCount >= this.#kept.size) break
      await sleep(10)
    }
    await this.#desk.close()
  }
}
