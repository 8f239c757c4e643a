/*
 * URL: `memory:` for a private queue, `memory:NAME` for one that all handles in this process share while one is open. No
 * options. Nothing is at rest: it all ends with the process. No transactions; 1,000,000 messages and dead letters at most.
 * The clock is the process's monotonic one.
 */
import { randomUUID } from 'node:crypto'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid, type Code } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { MemoryLane, maxHeld } from '../../lease/memory.ts'
import { SharedStores } from '../../lease/stores.ts'
import type { DeadLetter, Jobs, Leased, Outgoing, Pausing, QueueDriver, QueueStats, Settlement } from './driver.ts'

interface Message {
  id: string
  body: string
  headers: Record<string, string>
  key?: string
  sentAt: Date
}

/** What all handles of one queue share. */
class Store {
  readonly lane = new MemoryLane<Message>()
  readonly #dedupe = new Map<string, { id: string; untilMs: number }>()

  send(messages: readonly Outgoing[]): string[] {
    const ids: string[] = []
    const fresh: { payload: Message; delayMs: number; priority: number }[] = []
    const claimed = new Map<string, { id: string; untilMs: number }>()
    for (const { body, headers, key, dedupe, delayMs, priority } of messages) {
      const known = dedupe && (claimed.get(dedupe.key) ?? this.#known(dedupe.key))
      const id = known?.id ?? randomUUID()
      ids.push(id)
      if (known) continue
      if (dedupe) claimed.set(dedupe.key, { id, untilMs: performance.now() + dedupe.windowMs })
      const payload = { id, body, headers, sentAt: new Date(), ...(key === undefined ? {} : { key }) }
      fresh.push({ payload, delayMs, priority })
    }
    if (this.#dedupe.size + claimed.size > maxHeld)
      throw new AshlarError(
        'exhausted',
        `the memory driver remembers ${maxHeld} dedupe keys at most; use a shorter window`,
      )
    this.lane.add(fresh)
    for (const [key, value] of claimed) this.#dedupe.set(key, value)
    return ids
  }

  #known(key: string): { id: string } | undefined {
    for (const [old, { untilMs }] of this.#dedupe) {
      if (untilMs > performance.now()) break
      this.#dedupe.delete(old)
    }
    const known = this.#dedupe.get(key)
    if (known && known.untilMs > performance.now()) return known
    this.#dedupe.delete(key)
    return undefined
  }
}

const stores = new SharedStores(() => new Store())

class MemoryQueue implements QueueDriver {
  readonly capabilities = {
    transactions: false,
    delay: true,
    priority: true,
    ordered: true,
    dedupe: true,
    deadLetters: true,
    history: true,
    jobs: true,
    pause: true,
    maxBytes: 1024 ** 2,
    maxDelayMs: 366 * 86_400_000,
  }
  readonly native = {}
  readonly jobs: Jobs
  readonly pausing: Pausing
  readonly #store: Store
  readonly #release: () => void
  readonly #closing = new AbortController()

  constructor(store: Store, release: () => void) {
    this.#store = store
    this.#release = release
    this.jobs = jobsOf(store.lane)
    this.pausing = pausingOf(store.lane)
  }

  async send(messages: readonly Outgoing[]): Promise<string[]> {
    return this.#store.send(messages)
  }

  receive(options: ReceiveOptions): Promise<Leased[]> {
    return this.#store.lane.receive({ ...options, signal: AbortSignal.any([options.signal, this.#closing.signal]) })
  }

  async settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#store.lane.settle(settlements)
  }

  async extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#store.lane.extend(tokens, leaseMs)
  }

  async dead({ limit }: { limit: number }): Promise<DeadLetter[]> {
    return this.#store.lane.dead(limit).map(({ id, payload, attempts, error, diedAt, history }) => {
      return {
        id,
        body: payload.body,
        headers: payload.headers,
        attempts,
        error,
        diedAt,
        history,
      }
    })
  }

  async redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#store.lane.redrive(ids)
  }

  async stats(): Promise<QueueStats> {
    return this.#store.lane.stats()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#release()
  }
}

function jobsOf(lane: MemoryLane<Message>): Jobs {
  return {
    async find(id) {
      const found = lane.find(id)
      if (!found) return undefined
      const { payload, ...rest } = found
      return { ...rest, id, sentAt: payload.sentAt }
    },
    cancel: async (ids) => lane.cancel(ids),
    progress: async (token, value) => lane.progress(token, value),
  }
}

function pausingOf(lane: MemoryLane<Message>): Pausing {
  return {
    set: async (paused) => void (lane.paused = paused),
    isPaused: async () => lane.paused,
  }
}

export async function open(context: OpenContext): Promise<QueueDriver> {
  const match = /^memory:([\w.-]*)$/.exec(context.url)
  if (!match) throw invalid(`queue: '${context.url}' is not valid; write memory: or memory:NAME, without options`)
  const { store, release } = stores.take(match[1]!, engineName(context))
  return new MemoryQueue(store, release)
}

/** This driver throws AshlarErrors only. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}
