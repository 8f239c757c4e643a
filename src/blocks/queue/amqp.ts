/*
 * URL: `amqp://user:password@host:port/vhost`, or `amqps:`, options as `amqp/url.ts` reads them. RabbitMQ 3.10 or newer.
 * No transactions (the outbox keeps them), no priorities, no order per key, no dedupe. At rest: the quorum queue
 * `queue:NAME`, its messages with the body as it is, the id as `message-id` and all else in headers `ashlar-…`; the dead
 * letters in `queue:NAME:dead`; what is delayed in queues `ashlar.delay.NN` that all blocks of the vhost share. What is
 * leased or delayed is told, in `stats`, only of this process: AMQP tells neither.
 */
import type { Channel } from 'amqplib'
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { maxDelayMs } from '../../amqp/delays.ts'
import { Lane, inTime } from '../../amqp/lane.ts'
import { Link } from '../../amqp/link.ts'
import type { AmqpNative } from '../../amqp/native.ts'
import { quorum } from '../../amqp/quorum.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import type { DeadLetter, Leased, Outgoing, QueueDriver, QueueStats, Settlement } from './driver.ts'

class AmqpQueue implements QueueDriver {
  readonly capabilities = {
    transactions: false,
    delay: true,
    priority: false,
    ordered: false,
    dedupe: false,
    deadLetters: true,
    history: true,
    maxBytes: 1024 ** 2,
    maxDelayMs,
    maxRetryMs: maxDelayMs,
  }
  readonly native: AmqpNative
  readonly #link: Link
  readonly #lane: Lane

  constructor(link: Link, lane: Lane) {
    this.#link = link
    this.#lane = lane
    this.native = { exchange: '', route: lane.queue, connection: async () => (await link.line()).model }
  }

  async send(messages: readonly Outgoing[]): Promise<string[]> {
    const sentMs = Date.now()
    const sending = messages.map(({ body, headers, delayMs }) => {
      return { id: randomUUID(), body: Buffer.from(body), sentMs, headers, delayMs }
    })
    await inTime(this.#lane.send(sending))
    return sending.map(({ id }) => id)
  }

  async receive(options: ReceiveOptions): Promise<Leased[]> {
    const lent = await this.#lane.receive(options)
    return lent.map(({ id, body, headers, attempt, sentMs, token }) => {
      return { id, body: body.toString(), headers, attempt, sentAt: new Date(sentMs), token }
    })
  }

  settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    return inTime(this.#lane.settle(settlements))
  }

  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return inTime(this.#lane.extend(tokens, leaseMs))
  }

  async dead({ limit }: { limit: number }): Promise<DeadLetter[]> {
    const dead = await inTime(this.#lane.dead.list(limit))
    return dead.map(({ id, body, headers, error, history, attempts, diedMs }) => {
      return { id, body: body.toString(), headers, attempts, error, diedAt: new Date(diedMs), history }
    })
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return inTime(this.#lane.redrive(ids))
  }

  stats(): Promise<QueueStats> {
    return inTime(this.#lane.stats())
  }

  async close(): Promise<void> {
    await this.#lane.close()
    await this.#link.close()
  }
}

export async function open(context: OpenContext): Promise<QueueDriver> {
  const link = Link.take(context.url)
  const queue = `queue:${engineName(context)}`
  const declare = async (channel: Channel) => {
    await channel.assertQueue(queue, quorum)
    await channel.assertQueue(`${queue}:dead`, quorum)
  }
  try {
    await link.use(declare)
    return new AmqpQueue(link, new Lane(link, queue, declare))
  } catch (error) {
    await link.close()
    throw error
  }
}

export { codeOf } from '../../amqp/fault.ts'
