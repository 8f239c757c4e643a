/*
 * URL: `memory:` for a private topic, `memory:NAME` for one that all handles in this process share while one is open. No
 * options. Nothing is at rest: it all ends with the process. No transactions; 1,000,000 messages and dead letters at most for
 * each subscription: of more the oldest messages go at once. The clock is the process's monotonic one.
 */
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid, type Code } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { MemoryLane } from '../../lease/memory.ts'
import { SharedStores } from '../../lease/stores.ts'
import type {
  DeadLetter,
  Delivered,
  Keep,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'

interface Message {
  id: string
  body: string
  headers: Record<string, string>
  attributes: Record<string, string>
  key?: string
  publishedAt: Date
}

interface Line {
  filter: Subscription['filter']
  keep: Keep
  lane: MemoryLane<Message>
  dropped: number
  /** How many of them `trim` has not told yet. */
  untold: number
}

type Store = Map<string, Line>

const stores = new SharedStores<Store>(() => new Map())

class MemoryTopic implements TopicDriver {
  readonly capabilities = {
    transactions: false,
    filters: true,
    changesFilters: true,
    ordered: true,
    deadLetters: true,
    history: true,
    keepsMessages: true,
    trims: true,
    figures: true,
    maxBytes: 1024 ** 2,
  }
  readonly native = {}
  readonly #topic: string
  readonly #lines: Store
  readonly #release: () => void
  readonly #closing = new AbortController()

  constructor(topic: string, lines: Store, release: () => void) {
    this.#topic = topic
    this.#lines = lines
    this.#release = release
  }

  async publish(messages: readonly Outgoing[]): Promise<string[]> {
    const payloads = messages.map((message): Message => ({ ...message, id: randomUUID(), publishedAt: new Date() }))
    const lines = [...this.#lines.values()]
    const copies = lines.map((line) => ({
      line,
      lane: line.lane,
      payloads: payloads.filter((each) => passes(line.filter, each)),
    }))
    for (const { line, payloads: some } of copies) makeRoom(line, some.length)
    for (const { lane, payloads: some } of copies) lane.checkRoom(some.length)
    for (const { lane, payloads: some } of copies)
      lane.add(some.map((payload) => ({ payload, delayMs: 0, priority: 0 })))
    return payloads.map(({ id }) => id)
  }

  async subscribe({ name, filter, keep }: Subscription): Promise<void> {
    const line = this.#lines.get(name)
    if (line) Object.assign(line, { filter, keep })
    else this.#lines.set(name, { filter, keep, lane: new MemoryLane(), dropped: 0, untold: 0 })
  }

  async unsubscribe(name: string): Promise<void> {
    this.#lines.delete(name)
  }

  async receive(subscription: string, { signal, ...options }: ReceiveOptions): Promise<Delivered[]> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    return this.#lane(subscription).receive({ ...options, signal: either })
  }

  async settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#lane(subscription).settle(settlements)
  }

  async extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#lane(subscription).extend(tokens, leaseMs)
  }

  async dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    return this.#lane(subscription)
      .dead(limit)
      .map(({ id, payload, attempts, error, diedAt, history }) => {
        return {
          id,
          body: payload.body,
          attributes: payload.attributes,
          attempts,
          error,
          diedAt,
          history,
        }
      })
  }

  async redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#lane(subscription).redrive(ids)
  }

  async stats(): Promise<SubscriptionStats[]> {
    return [...this.#lines].map(([subscription, { lane, dropped }]) => {
      const { ready, delayed, leased, dead, oldestAgeMs } = lane.stats()
      return { subscription, pending: ready + delayed + leased, dead, oldestAgeMs, dropped }
    })
  }

  async trim(): Promise<{ subscription: string; dropped: number }[]> {
    return [...this.#lines].map(([subscription, line]) => {
      drop(line, line.keep.messages)
      const dropped = line.untold
      line.untold = 0
      return { subscription, dropped }
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#release()
  }

  #lane(subscription: string): MemoryLane<Message> {
    const line = this.#lines.get(subscription)
    if (line) return line.lane
    throw new AshlarError('not_found', `topic '${this.#topic}' has no subscription '${subscription}'; subscribe first`)
  }
}

function drop(line: Line, messages: number): void {
  const dropped = line.lane.trim({ ms: line.keep.ms, messages })
  line.dropped += dropped
  line.untold += dropped
}

/** A subscription that nobody consumes must not refuse what others wait for. */
function makeRoom(line: Line, more: number): void {
  if (!line.lane.fits(more)) drop(line, Math.min(line.keep.messages, line.lane.room - more))
}

function passes(filter: Subscription['filter'], { attributes }: Message): boolean {
  return Object.entries(filter).every(([name, allowed]) => {
    return Object.hasOwn(attributes, name) && allowed.includes(attributes[name]!)
  })
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const match = /^memory:([\w.-]*)$/.exec(context.url)
  if (!match) throw invalid(`topic: '${context.url}' is not valid; write memory: or memory:NAME, without options`)
  const { store, release } = stores.take(match[1]!, engineName(context))
  return new MemoryTopic(context.name, store, release)
}

/** This driver throws AshlarErrors only. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}
