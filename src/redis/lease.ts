import { clipped } from '../errors.ts'
import type { Connection, Value } from './connection.ts'
import { laneKeys, leaseScripts, type LeaseKind } from './lease-text.ts'
import type { Script } from './script.ts'
import type { Wake } from './wake.ts'

/** One line of leased messages: a queue, or a subscription of a topic. */
export interface Lane {
  /** In the order of `laneKeys`, and what the guard wants besides. */
  keys: string[]
  /** What the guard wants. */
  args: string[]
  channel: string
  wake: Wake
}

export interface LentMessage {
  id: string
  sentAt: Date
  /** What the block wrote. */
  text: string
  key?: string
  attempt: number
  token: string
}

export interface BuriedMessage {
  id: string
  text: string
  attempts: number
  error: string
  diedAt: Date
  history: { attempt: number; at: Date; error: string }[]
}

interface ReceiveOptions {
  max: number
  leaseMs: number
  waitMs: number
  signal: AbortSignal
}

interface SettlementRow {
  token: string
  outcome: 'done' | 'retry' | 'release' | 'dead'
  delayMs?: number
  error?: string
}

interface LeaseFigures {
  ready: number
  delayed: number
  leased: number
  dead: number
  oldestAgeMs: number
}

type Claimed = [
  due: number,
  lent: [member: string, value: string, key: string | null, attempt: number, lease: string][],
]

/** Longest time between two looks when no hint comes; the next due message is waited for exactly. */
const longestPollMs = 5_000
const maxAnswerBytes = 8 * 1024 ** 2
const maxAtOnce = 500
/** Characters of an error, and of one in a history. */
const errorLength = 2_000
const historyLength = 500

/** Leases on messages that Redis holds; see `lease-text.ts` for how. */
export class LeaseSets {
  readonly #connection: Connection
  readonly #scripts: ReturnType<typeof leaseScripts>
  readonly #closing = new AbortController()
  readonly #receiving = new Set<Promise<unknown>>()

  constructor(connection: Connection, kind: LeaseKind, guard?: string) {
    this.#connection = connection
    this.#scripts = leaseScripts(kind, guard)
  }

  async receive(lane: Lane, options: ReceiveOptions): Promise<LentMessage[]> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    const received = this.#receive(lane, { ...options, signal })
    this.#receiving.add(received)
    try {
      return await received
    } finally {
      this.#receiving.delete(received)
    }
  }

  async #receive(lane: Lane, { max, leaseMs, waitMs, signal }: ReceiveOptions): Promise<LentMessage[]> {
    const end = performance.now() + waitMs
    for (let look = 0; !signal.aborted; look++) {
      const { hints } = lane.wake
      const [dueMs, lent] = await this.#run<Claimed>(this.#scripts.claim, lane, [max, leaseMs, maxAnswerBytes])
      const leftMs = end - performance.now()
      if (lent.length > 0 || leftMs <= 0) return lent.map(toLent)
      // Whoever begins to listen has missed what was told before, so looks once more.
      if (look === 0) await lane.wake.listen()
      const pollMs = look === 0 ? 0 : longestPollMs * (0.8 + Math.random() * 0.2)
      const ms = Math.min(leftMs, pollMs, dueMs < 0 ? Infinity : Math.max(1, dueMs))
      if (ms > 0) await lane.wake.wait(ms, signal, hints)
    }
    return []
  }

  async settle(lane: Lane, settlements: readonly SettlementRow[]): Promise<boolean[]> {
    const held: boolean[] = []
    for (const some of inParts(settlements)) {
      const rows = some.flatMap(({ token, outcome, delayMs = 0, error = '' }) => [
        ...parseToken(token),
        outcome,
        delayMs,
        clipped(error, errorLength),
      ])
      held.push(...(await this.#run<number[]>(this.#scripts.settle, lane, [lane.channel, ...rows])).map(Boolean))
    }
    if (settlements.some(({ outcome }) => outcome !== 'done')) lane.wake.wake()
    return held
  }

  async extend(lane: Lane, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const held: boolean[] = []
    for (const some of inParts(tokens))
      held.push(
        ...(await this.#run<number[]>(this.#scripts.extend, lane, [leaseMs, ...some.flatMap(parseToken)])).map(Boolean),
      )
    return held
  }

  async dead(lane: Lane, limit: number): Promise<BuriedMessage[]> {
    const found: BuriedMessage[] = []
    while (found.length < limit) {
      const args = [found.length, Math.min(maxAtOnce, limit - found.length), maxAnswerBytes]
      const page = await this.#run<[value: string, failures: string][]>(this.#scripts.dead, lane, args)
      if (page.length === 0) break
      found.push(...page.map(toBuried))
    }
    return found
  }

  /** In parts, and only those that died before it began, so that it ends though they may die again meanwhile. */
  async redrive(lane: Lane, ids: readonly string[] | 'all'): Promise<number> {
    if (ids === 'all') return this.#redriveAll(lane)
    let [count, died] = [0, '']
    for (const some of inParts([...new Set(ids)])) {
      const answer = await this.#run<[string, number]>(this.#scripts.redrive, lane, [lane.channel, died, 0, ...some])
      died = answer[0]
      count += answer[1]
    }
    return count
  }

  async #redriveAll(lane: Lane): Promise<number> {
    for (let [count, died] = [0, '']; ;) {
      const args = [lane.channel, died, maxAtOnce]
      const [until, some] = await this.#run<[string, number]>(this.#scripts.redrive, lane, args)
      died = until
      count += some
      if (some < maxAtOnce) return count
    }
  }

  async stats(lane: Lane): Promise<LeaseFigures> {
    const figures = (await this.#run<(number | string)[]>(this.#scripts.stats, lane, [])).map(Number)
    const [ready = 0, delayed = 0, leased = 0, dead = 0, oldestAgeMs = 0] = figures
    return { ready, delayed, leased, dead, oldestAgeMs }
  }

  #run<T>(script: Script, lane: Lane, args: readonly Value[]): Promise<T> {
    return this.#connection.run<T>(script, lane.keys, [...lane.args, ...args])
  }

  /** Ends waiting receives. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#receiving)
  }
}

/** The keys of a lane: those of all lanes of the block under `common`, the others under `own`. */
export function keysOf(common: string, own: string): string[] {
  const shared = new Set<string>(['counters', 'messages', 'keys', 'refs'])
  return laneKeys.map((name) => `${shared.has(name) ? common : own}:${name}`)
}

export function* inParts<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += maxAtOnce) yield items.slice(from, from + maxAtOnce)
}

/** `<lease, 16 digits>.<member>`; what is no token of ours holds nothing. */
export function parseToken(token: string): [member: string, lease: string] {
  const match = /^(\d{16})\.(\d{17}[kK_-])$/.exec(token)
  return match ? [match[2]!, String(Number(match[1]))] : ['', '0']
}

function toLent([member, value, key, attempt, lease]: Claimed[1][number]): LentMessage {
  const token = `${lease.padStart(16, '0')}.${member}`
  return { ...partsOf(value), ...(key === null ? {} : { key }), attempt, token }
}

function partsOf(value: string): { id: string; sentAt: Date; text: string } {
  const [first, second] = [value.indexOf('\n'), value.indexOf('\n', value.indexOf('\n') + 1)]
  const sentAt = new Date(Number(value.slice(first + 1, second)))
  return { id: value.slice(0, first), sentAt, text: value.slice(second + 1) }
}

function toBuried([value, failures]: [string, string]): BuriedMessage {
  const history = failures.split('\n').map((line) => {
    const { attempt, at, error } = JSON.parse(line) as { attempt: number; at: number; error: string }
    return { attempt, at: new Date(at), error }
  })
  const { attempt, at, error } = history.at(-1)!
  const { id, text } = partsOf(value)
  const short = history.map((each) => ({ ...each, error: clipped(each.error, historyLength) }))
  return { id, text, attempts: attempt, error, diedAt: at, history: short }
}
