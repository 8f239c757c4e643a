import type { Channel } from 'amqplib'
import { settledWithin, withinMs } from '../deadline.ts'
import { withFailure } from '../failure.ts'
import { Ages, Delayed } from './figures.ts'
import { bindDue, declareDelays, routeOf } from './delays.ts'
import { DeadLetters } from './dead.ts'
import { Desk, type Received } from './desk.ts'
import { AmqpError } from './fault.ts'
import { Grant } from './grant.ts'
import { Held, Holds } from './held.ts'
import type { Link } from './link.ts'
import { envelopeOf, headersOf, returned, type Envelope } from './message.ts'
import type { Parcel } from './publisher.ts'
import { Renewed } from './renewed.ts'

export interface ReceiveOptions {
  max: number
  leaseMs: number
  waitMs: number
  signal: AbortSignal
}

export type Settlement =
  | { token: string; outcome: 'done' }
  | { token: string; outcome: 'retry'; delayMs: number; error: string }
  | { token: string; outcome: 'release' }
  | { token: string; outcome: 'dead'; error: string }

export interface Lent extends Envelope {
  attempt: number
  token: string
}

export interface LaneStats {
  ready: number
  delayed: number
  leased: number
  dead: number
  oldestAgeMs: number
}

/** How long a consumer that nobody waits on keeps what comes to it. */
const idleMs = 100
/** RabbitMQ's own bound for one consumer of a quorum queue. */
const largestGrant = 2_000
const closeMs = 2_000
const lastMomentMs = 200
/** In one call; the next one goes on. */
const mostTrimmed = 5_000
const callMs = 25_000

/** One line of leased messages on a quorum queue: a queue, or a subscription of a topic. */
export class Lane {
  readonly queue: string
  readonly dead: DeadLetters
  readonly #link: Link
  readonly #declare: (channel: Channel) => Promise<unknown>
  readonly #holds = new Holds((held) => this.#expire(held))
  readonly #grants = new Map<Grant, { isBusy: boolean; timer?: NodeJS.Timeout }>()
  readonly #delayed = new Delayed()
  readonly #ages = new Ages()
  readonly #background = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  readonly #desk = new Renewed(() => this.#openDesk())
  #delays: Promise<void> | undefined
  /** No message that is ready came before, as far as this process knows. */
  #noneBeforeMs = -Infinity

  /** @param declare makes the queue, unless it is there; called whenever a channel is opened */
  constructor(link: Link, queue: string, declare: (channel: Channel, queue: string) => Promise<unknown>) {
    this.#link = link
    this.queue = queue
    this.#declare = (channel) => declare(channel, queue)
    this.dead = new DeadLetters(link, queue)
  }

  async send(messages: readonly (Partial<Envelope> & { id: string; body: Buffer; delayMs: number })[]): Promise<void> {
    if (messages.some(({ delayMs }) => delayMs > 0)) await this.#readyForDelays()
    const parcels = messages.map(({ delayMs, ...message }) => this.#parcel(message, delayMs))
    const failures = (await this.#publish(parcels)).filter((error) => error !== undefined)
    if (failures[0]) throw partly(failures[0], messages.length - failures.length, messages.length)
  }

  async receive({ max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<Lent[]> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    if (either.aborted) return []
    const taking = this.#take({ max, leaseMs, waitMs, signal: either })
    if (await endedOrAborted(taking, either)) return this.#closing.signal.aborted ? taking.catch(() => []) : taking
    // It hangs in a call to a server that does not answer. Whatever still comes is for others.
    this.#later(taking.then((lent) => this.settle(lent.map(({ token }) => ({ token, outcome: 'release' })))))
    return []
  }

  async #take({ max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<Lent[]> {
    const desk = await this.#desk.get()
    for (const grant of this.#idle(1))
      if (grant.waiting > 0) return this.#lend(grant.desk, grant.take(max), leaseMs, grant)
    if (waitMs === 0) return this.#lend(desk, await desk.get(this.queue, max), leaseMs)
    return this.#wait(desk, { max: Math.min(max, largestGrant), leaseMs, waitMs, signal })
  }

  async #wait(desk: Desk, { max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<Lent[]> {
    const grant = this.#idle(max)[0] ?? (await this.#grant(desk, max))
    this.#busy(grant, true)
    try {
      return this.#lend(grant.desk, await grant.next(max, waitMs, signal), leaseMs, grant)
    } finally {
      this.#busy(grant, false)
      if (signal.aborted) this.#later(this.#end(grant))
    }
  }

  #lend(desk: Desk, messages: readonly Received[], leaseMs: number, grant?: Grant): Lent[] {
    return messages.map((message) => {
      const envelope = returned(envelopeOf(message))
      this.#ages.seen(envelope)
      if (grant) grant.out++
      const held = new Held({ desk, message, grant, envelope })
      this.#holds.add(held, leaseMs)
      return { ...envelope, attempt: held.attempt, token: held.token }
    })
  }

  async settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    const taken = settlements.map(({ token }) => this.#holds.take(token))
    try {
      await this.#move(settlements, taken)
    } catch (error) {
      for (const held of taken) if (held) this.#holds.restore(held)
      throw error
    }
    const answers = taken.map((held) => held !== undefined && (held.isMoved || held.desk.isOpen))
    for (const [i, held] of taken.entries()) if (held) this.#settled(held, settlements[i]!)
    for (const desk of new Set(taken.map((held) => held?.desk))) if (desk?.isOpen) await desk.heard()
    return answers
  }

  /** What goes on is first safe where it goes, then taken from where it was. */
  async #move(settlements: readonly Settlement[], taken: readonly (Held | undefined)[]): Promise<void> {
    if (settlements.some((each) => each.outcome === 'retry' && each.delayMs > 0)) await this.#readyForDelays()
    const moving = settlements.flatMap((settlement, i) => {
      const held = taken[i]
      if (!held || held.isMoved || settlement.outcome === 'done') return []
      return [{ held, parcel: this.#onward(held, settlement), settlement }]
    })
    if (moving.length === 0) return
    const errors = await this.#publish(moving.map(({ parcel }) => parcel)).catch((error: Error) =>
      moving.map(() => error),
    )
    for (const [i, { held }] of moving.entries()) held.isMoved = errors[i] === undefined
    const failure = moving.find(({ settlement: { outcome } }, i) => errors[i] && outcome !== 'release')
    if (failure) throw errors[moving.indexOf(failure)]!
  }

  #onward(held: Held, settlement: Exclude<Settlement, { outcome: 'done' }>): Parcel {
    const { envelope, attempt, delivery } = held
    if (settlement.outcome === 'release')
      return this.#parcel({ ...envelope, attempts: attempt - 1, deliveries: delivery }, 0)
    const history = withFailure(envelope.history, { attempt, at: new Date(), error: settlement.error })
    const failed = { ...envelope, attempts: attempt, deliveries: delivery, history }
    if (settlement.outcome === 'retry') return this.#parcel(failed, settlement.delayMs)
    return this.dead.parcel({ ...failed, error: settlement.error, diedMs: Date.now() })
  }

  async extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const held = tokens.map((token) => this.#holds.find(token))
    for (const desk of new Set(held.map((each) => each?.desk))) if (desk?.isOpen) await desk.heard()
    return tokens.map((token) => this.#holds.extend(token, leaseMs))
  }

  async redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.dead.redrive(ids, (envelope) =>
      this.#parcel({ ...envelope, attempts: 0, history: [], error: '', diedMs: 0, queuedMs: Date.now() }, 0),
    )
  }

  /**
   * Drops what came longer ago than `keepMs`, and answers how many. RabbitMQ shows nobody its oldest message without handing it
   * out: the first one that may stay goes, uncounted, behind the others, and tells how long none needs to be looked at.
   */
  async trim(keepMs: number): Promise<number> {
    let dropped = 0
    const beforeMs = Date.now() - keepMs
    if (this.#noneBeforeMs >= beforeMs) return 0
    const desk = await this.#desk.get()
    while (dropped < mostTrimmed) {
      const [message] = await desk.get(this.queue, 1)
      if (!message) break
      const envelope = returned(envelopeOf(message))
      const { queuedMs } = envelope
      if (queuedMs < beforeMs) {
        desk.done(message)
        dropped++
        continue
      }
      this.#noneBeforeMs = queuedMs
      await this.#sendBack(desk, [message])
      break
    }
    return dropped
  }

  /** What the server tells, and what this process knows: what it has lent and delayed itself. */
  async stats(): Promise<LaneStats> {
    const [onServer, dead] = await this.#link.use(async (channel) => {
      const counts = [this.queue, this.dead.queue].map(async (queue) => (await channel.checkQueue(queue)).messageCount)
      return Promise.all(counts)
    })
    const here = [...this.#grants.keys()].reduce((sum, { waiting }) => sum + waiting, 0)
    const ready = onServer! + here
    const oldestAgeMs = this.#ages.oldest(ready)
    return { ready, delayed: this.#delayed.count(), leased: this.#holds.size, dead: dead!, oldestAgeMs }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await settledWithin(this.#shutDown(), closeMs)
  }

  async #shutDown(): Promise<void> {
    await Promise.allSettled([...this.#grants.keys()].map((grant) => this.#end(grant)))
    await Promise.allSettled(this.#background)
    this.#holds.clear()
    await (await this.#desk.known())?.close()
  }

  #parcel(message: Partial<Envelope> & { id: string; body: Buffer }, delayMs: number): Parcel {
    if (delayMs > 0) this.#delayed.add(delayMs)
    const where = delayMs > 0 ? routeOf(this.queue, delayMs) : { exchange: '', route: this.queue }
    return { ...where, id: message.id, body: message.body, headers: headersOf(message) }
  }

  async #publish(parcels: readonly Parcel[]): Promise<(Error | undefined)[]> {
    const errors = await this.#link.publisher.publish(parcels)
    // Somebody has deleted the queue: it is made again for the next try.
    if (errors.some((error) => error instanceof AmqpError && error.code === 'UNROUTABLE')) {
      this.#delays = undefined
      await this.#link.use(this.#declare)
    }
    return errors
  }

  #readyForDelays(): Promise<void> {
    this.#delays ??= this.#link
      .use(async (channel) => {
        await declareDelays(channel)
        await bindDue(channel, this.queue)
      })
      .catch((error: unknown) => {
        this.#delays = undefined
        throw error
      })
    return this.#delays
  }

  async #openDesk(): Promise<Desk> {
    await this.#link.use(this.#declare)
    const desk = await Desk.open(await this.#link.line())
    desk.onLost(() => {
      this.#holds.drop(desk)
      for (const grant of this.#grants.keys()) if (grant.desk === desk) this.#forget(grant)
    })
    return desk
  }

  /** Consumers that nobody waits on and that take at least so many more. */
  #idle(max: number): Grant[] {
    return [...this.#grants].flatMap(([grant, { isBusy }]) =>
      !isBusy && grant.isOpen && grant.spare + grant.waiting >= max ? [grant] : [],
    )
  }

  async #grant(desk: Desk, size: number): Promise<Grant> {
    const grant = new Grant(desk, size)
    this.#grants.set(grant, { isBusy: true })
    try {
      await grant.open(this.queue)
    } catch (error) {
      this.#forget(grant)
      throw error
    }
    return grant
  }

  #busy(grant: Grant, isBusy: boolean): void {
    const state = this.#grants.get(grant)
    if (!state) return
    clearTimeout(state.timer)
    state.isBusy = isBusy
    if (!isBusy) state.timer = setTimeout(() => this.#endIdle(grant), idleMs)
  }

  /** A consumer that is full stays, for its worker will ask again when it has settled one. */
  #endIdle(grant: Grant): void {
    if (grant.spare > 0 || grant.waiting > 0) this.#later(this.#end(grant))
  }

  /** Ends a consumer, and sends back, uncounted, what came and nobody took. */
  async #end(grant: Grant): Promise<void> {
    if (!this.#forget(grant)) return
    await this.#sendBack(grant.desk, await grant.cancel())
  }

  /** Uncounted, to the end of the queue; where that fails it is given back all the same. */
  async #sendBack(desk: Desk, left: readonly Received[]): Promise<void> {
    if (left.length === 0) return
    const envelopes = left.map((message) => returned(envelopeOf(message)))
    const errors = await this.#link.publisher
      .publish(envelopes.map((envelope) => this.#parcel(envelope, 0)))
      .catch((error: Error) => left.map(() => error))
    left.forEach((message, i) => (errors[i] ? desk.giveBack(message) : desk.done(message)))
  }

  #forget(grant: Grant): boolean {
    clearTimeout(this.#grants.get(grant)?.timer)
    const isKnown = this.#grants.delete(grant)
    grant.wake()
    return isKnown
  }

  /** What could not be sent back uncounted is given back all the same: its worker stops, and has no time for more. */
  #settled(held: Held, { outcome }: Settlement): void {
    if (outcome === 'release' && !held.isMoved) held.desk.giveBack(held.message)
    else held.desk.done(held.message)
    this.#returned(held)
  }

  /** The lease has ended: somebody else may have the message. */
  #expire(held: Held): void {
    if (held.isMoved) return this.#settled(held, { token: held.token, outcome: 'done' })
    const giveBack = () => (held.desk.giveBack(held.message), this.#returned(held))
    const { grant } = held
    const isIdle = grant && this.#grants.get(grant)?.isBusy === false
    // It should not come back to a consumer that nobody waits on.
    if (isIdle) this.#later(this.#end(grant).finally(giveBack))
    else giveBack()
  }

  #returned({ grant }: Held): void {
    if (!grant) return
    grant.out--
    const state = this.#grants.get(grant)
    if (state && !state.isBusy) this.#busy(grant, false)
  }

  #later(work: Promise<unknown>): void {
    const done = work.catch(() => undefined).finally(() => this.#background.delete(done))
    this.#background.add(done)
  }
}

/** A call may need several answers; this is what it may take altogether. */
export function inTime<T>(work: Promise<T>): Promise<T> {
  return withinMs(work, callMs, `RabbitMQ did not answer within ${callMs} ms`)
}

/** Answers whether the work has ended; when the signal aborts it has a moment left to do so. */
async function endedOrAborted(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const aborted = Promise.withResolvers<void>()
  const abort = () => aborted.resolve()
  signal.addEventListener('abort', abort, { once: true })
  const ended = work.then(() => undefined).catch(() => undefined)
  await Promise.race([ended, aborted.promise])
  signal.removeEventListener('abort', abort)
  return settledWithin(ended, lastMomentMs)
}

function partly(error: Error, stored: number, all: number): Error {
  if (stored === 0) return error
  return new AmqpError((error as AmqpError).code, `${stored} of ${all} messages were stored: ${error.message}`, {
    cause: error,
  })
}
