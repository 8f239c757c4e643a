import type { ReceiveOptions } from '../../lease/lease.ts'
import type { Calls } from './pubsub-calls.ts'
import type { Delivered, Settlement } from './driver.ts'
import { HeldMessages, type Held } from './pubsub-held.ts'
import { LongLeases, secondsOf } from './pubsub-long.ts'
import { copyOf, deadOf, inOrder, read, type Pulled, type WireMessage } from './pubsub-message.ts'

/** Full names of what there is of one subscription. */
export interface LaneNames {
  /** As users call it. */
  name: string
  topic: string
  subscription: string
  /** Of the topic of its dead letters and of the subscription to that. */
  deadTopic: string
  dead: string
}

/** Of one request: the next follows at once. */
const longestPullMs = 20_000
const maxPull = 1_000

type Failed = { held: Held; settlement: Settlement & { outcome: 'retry' } }

/** What one process does with one subscription. */
export class Lane {
  readonly names: LaneNames
  readonly #calls: Calls
  readonly #held = new HeldMessages()
  readonly #long: LongLeases
  #next = new AbortController()

  constructor(calls: Calls, names: LaneNames) {
    this.#calls = calls
    this.names = names
    this.#long = new LongLeases((ackIds, seconds) => calls.lend(names.subscription, ackIds, seconds))
  }

  async receive({ max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<Delivered[]> {
    const endMs = performance.now() + waitMs
    while (!signal.aborted) {
      const next = this.#held.takeNext(max)
      const leftMs = endMs - performance.now()
      const found = next.length > 0 ? next : await this.#pull(Math.min(max, maxPull), leftMs, signal)
      if (found.length > 0) return this.#lend(found, leaseMs)
      if (endMs <= performance.now()) break
    }
    return []
  }

  async #pull(max: number, leftMs: number, signal: AbortSignal): Promise<Pulled[]> {
    if (this.#next.signal.aborted) this.#next = new AbortController()
    const either = AbortSignal.any([signal, this.#next.signal])
    const waitMs = Math.min(leftMs, longestPullMs)
    const pulled = inOrder(await this.#calls.pull(this.names.subscription, max, waitMs, either)).map(read)
    await this.#putBack(pulled.filter(({ dueMs }) => dueMs > Date.now()))
    return this.#held.sort(pulled.filter(({ dueMs }) => dueMs <= Date.now()))
  }

  /** What is not due yet comes again when it is; a longer wait than Pub/Sub's longest goes by hops. */
  async #putBack(early: Pulled[]): Promise<void> {
    const bySeconds = Map.groupBy(early, ({ dueMs }) => secondsOf(dueMs - Date.now()))
    for (const [seconds, some] of bySeconds)
      await this.#calls.lend(
        this.names.subscription,
        some.map(({ ackId }) => ackId),
        seconds,
      )
  }

  async #lend(found: readonly Pulled[], leaseMs: number): Promise<Delivered[]> {
    const untilMs = performance.now() + leaseMs
    const ackIds = found.flatMap((each) => this.#held.ackIdsOf(each))
    await this.#calls.lend(this.names.subscription, ackIds, secondsOf(leaseMs))
    return found.map((pulled) => {
      const { token, attempt } = this.#held.lend(pulled, untilMs)
      this.#long.hold(pulled.id, this.#held.ackIdsOf(pulled), leaseMs)
      const { id, body, headers, attributes, key, publishedAt } = pulled
      return { id, body, headers, attributes, attempt, publishedAt, token, ...(key === undefined ? {} : { key }) }
    })
  }

  async extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const untilMs = performance.now() + leaseMs
    const found = tokens.map((token) => this.#held.find(token))
    const held = found.filter((each) => each !== undefined)
    const ackIds = held.flatMap(({ pulled }) => this.#held.ackIdsOf(pulled))
    await this.#calls.lend(this.names.subscription, ackIds, secondsOf(leaseMs))
    for (const each of held) {
      each.untilMs = untilMs
      this.#long.hold(each.pulled.id, this.#held.ackIdsOf(each.pulled), leaseMs)
    }
    return found.map((each) => each !== undefined)
  }

  async settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    const of = new Map<Held, Settlement>()
    const which = settlements.map((settlement) => {
      const held = this.#held.find(settlement.token)
      if (!held || of.has(held)) return false
      of.set(held, settlement)
      return true
    })
    const all = [...of].map(([held, settlement]) => ({ held, settlement }))
    await this.#bury(all)
    await this.#retry(all.filter((each): each is Failed => each.settlement.outcome === 'retry'))
    await this.#release(all.filter(({ settlement }) => settlement.outcome === 'release').map(({ held }) => held))
    await this.#finish(all.filter(({ settlement }) => settlement.outcome === 'done').map(({ held }) => held))
    return which
  }

  async #bury(all: readonly { held: Held; settlement: Settlement }[]): Promise<void> {
    const dead = all.filter(({ settlement }) => settlement.outcome === 'dead')
    const letters = dead.map(({ held: { pulled, attempt }, settlement }) =>
      deadOf(pulled, { attempts: attempt, error: 'error' in settlement ? settlement.error : '' }),
    )
    await this.#move(
      dead.map(({ held }) => held),
      this.names.deadTopic,
      letters,
    )
  }

  /**
   * A message without a key is published again for this subscription, with its failures and the time it is due, so that these
   * outlive this process. One with a key must keep its place before the later ones: it and those behind it stay leased until then.
   */
  async #retry(failed: readonly Failed[]): Promise<void> {
    const loose = failed.filter(({ held }) => held.pulled.key === undefined)
    const copies = loose.map(({ held: { pulled, attempt }, settlement: { delayMs } }) =>
      copyOf(pulled, this.names.name, { failures: attempt, dueMs: delayMs > 0 ? Date.now() + delayMs : 0 }),
    )
    await this.#move(
      loose.map(({ held }) => held),
      this.names.topic,
      copies,
    )
    for (const { held, settlement } of failed)
      if (held.pulled.key !== undefined) await this.#hold(held, settlement.delayMs)
  }

  async #hold(held: Held, delayMs: number): Promise<void> {
    const ackIds = this.#held.ackIdsOf(held.pulled)
    await this.#calls.lend(this.names.subscription, ackIds, delayMs > 0 ? secondsOf(delayMs) : 0)
    this.#held.fail(held)
    this.#long.hold(held.pulled.id, ackIds, delayMs)
  }

  /** Published anew before it is acknowledged: should this end in between, it comes twice and not never. */
  async #move(held: readonly Held[], topic: string, messages: readonly WireMessage[]): Promise<void> {
    if (held.length === 0) return
    await this.#calls.publish(topic, messages)
    await this.#finish(held)
  }

  async #finish(held: readonly Held[]): Promise<void> {
    await this.#calls.acknowledge(
      this.names.subscription,
      held.map(({ pulled }) => pulled.ackId),
    )
    let isNext = false
    for (const each of held) {
      this.#long.forget(each.pulled.id)
      if (this.#held.remove(each)) isNext = true
    }
    if (isNext) this.#next.abort()
  }

  async #release(held: readonly Held[]): Promise<void> {
    const ackIds = held.flatMap(({ pulled }) => this.#held.ackIdsOf(pulled))
    await this.#calls.lend(this.names.subscription, ackIds, 0)
    for (const each of held) {
      this.#long.forget(each.pulled.id)
      this.#held.release(each)
    }
  }

  close(): void {
    this.#long.close()
  }
}
