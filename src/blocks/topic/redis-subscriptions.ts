import { AshlarError } from '../../errors.ts'
import type { Connection } from '../../redis/connection.ts'
import { RedisError } from '../../redis/errors.ts'
import { keysOf, type Lane } from '../../redis/lease.ts'
import { Wake } from '../../redis/wake.ts'
import type { Outgoing, Subscription } from './driver.ts'
import {
  publishScript,
  subscribeScript,
  subscriptionsScript,
  sweepScript,
  trimScript,
  unsubscribeScript,
} from './redis-text.ts'

/** Changes of subscriptions that one publish survives. */
const tries = 50
const maxLanes = 10_000

interface Line {
  name: string
  lane: string
  filter: [attribute: string, allowed: Set<string>][]
}

interface Known {
  version: string
  lines: Line[]
}

/** The subscriptions of one topic, and what goes to them. */
export class Subscriptions {
  readonly #connection: Connection
  readonly #topic: string
  readonly #prefix: string
  #known: Known | undefined
  readonly #lanes = new Map<string, Lane>()

  constructor(connection: Connection, topic: string, prefix: string) {
    this.#connection = connection
    this.#topic = topic
    this.#prefix = prefix
  }

  /** Decided by what is known of the subscriptions, and again if that turns out to be outdated. */
  async publish(messages: readonly Outgoing[]): Promise<string[]> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const known = (this.#known ??= await this.#read())
      const ids = await this.#publish(messages, known)
      if (ids) return ids
      this.#known = undefined
    }
    throw new RedisError('TRYAGAIN', `the subscriptions of '${this.#topic}' changed under each of ${tries} attempts`)
  }

  async #publish(messages: readonly Outgoing[], { version, lines }: Known): Promise<string[] | null> {
    const goals = messages.map((each) => lines.filter((line) => passes(line, each)))
    const used = [...new Set(goals.flat())]
    const numbers = new Map(used.map((line, number) => [line, number]))
    const rows = messages.flatMap(({ key = '', headers, attributes, body }, at) => {
      const text = `${JSON.stringify({ headers, attributes })}\n${body}`
      return [key, text, goals[at]!.length, ...goals[at]!.map((line) => numbers.get(line)!)]
    })
    const own = used.map(({ lane }) => this.#own(lane))
    const ownKeys = own.flatMap((prefix) => ['ready', 'lines', 'behind', 'all'].map((each) => `${prefix}:${each}`))
    const keys = [...this.#keys('counters', 'messages', 'keys', 'refs'), ...ownKeys]
    const ids = await this.#connection.run<string[] | null>(publishScript, keys, [version, own.length, ...own, ...rows])
    if (ids) for (const { lane } of used) this.#lanes.get(lane)?.wake.wake()
    return ids
  }

  async subscribe({ name, filter, keep }: Subscription): Promise<void> {
    const keys = this.#keys('counters', 'subscriptions', 'filters', 'keeps')
    const most = Math.min(keep.messages, Number.MAX_SAFE_INTEGER)
    await this.#connection.run(subscribeScript, keys, [name, JSON.stringify(filter), `${keep.ms} ${most}`])
    this.#known = undefined
  }

  async unsubscribe(name: string): Promise<void> {
    const keys = this.#keys('counters', 'subscriptions', 'filters', 'keeps', 'ended')
    await this.#connection.run(unsubscribeScript, keys, [name])
    this.#known = undefined
    await this.sweep()
  }

  /** Takes away, in parts, what ended subscriptions have left, also those of processes that died over it. */
  async sweep(): Promise<void> {
    const [ended] = this.#keys('ended')
    for (const lane of await this.#connection.ask((client) => client.smembers(ended!))) {
      const keys = [...keysOf(this.#prefix, this.#own(lane)), ended!]
      while ((await this.#connection.run<number>(sweepScript, keys, [lane])) === 1);
      await this.#lanes.get(lane)?.wake.close()
      this.#lanes.delete(lane)
    }
  }

  async names(): Promise<string[]> {
    const { lines } = (this.#known = await this.#read())
    return lines.map(({ name }) => name).sort()
  }

  /**
   * Does something with a subscription's lane; once more if that was an older one of this name.
   * @throws `not_found`
   */
  async with<T>(name: string, work: (lane: Lane) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (!this.#known || attempt > 0) this.#known = await this.#read()
      const line = this.#known.lines.find((each) => each.name === name)
      if (!line) continue
      try {
        return await work(this.#lane(line))
      } catch (error) {
        if (!(error instanceof RedisError && error.code === 'GONE')) throw error
      }
    }
    throw new AshlarError('not_found', `topic '${this.#topic}' has no subscription '${name}'; subscribe first`)
  }

  async trim(name: string): Promise<number> {
    return this.with(name, async (lane) => {
      const keys = [...lane.keys, ...this.#keys('keeps')]
      for (let [sum, left] = [0, 0]; ;) {
        const answer = await this.#connection.run<[number, number, number]>(trimScript, keys, [
          ...lane.args,
          lane.channel,
          left,
        ])
        sum += answer[0]
        left = answer[1]
        if (answer[2] === 0) return sum
      }
    })
  }

  /** Dropped so far. */
  async dropped(lane: Lane): Promise<number> {
    return Number(await this.#connection.ask((client) => client.hget(lane.keys[0]!, `dropped:${lane.args[1]}`)))
  }

  async #read(): Promise<Known> {
    const keys = this.#keys('counters', 'subscriptions', 'filters')
    const [version, rows] = await this.#connection.run<[string, [string, string, string][]]>(subscriptionsScript, keys)
    const lines = rows.map(([name, lane, filter]): Line => {
      const wanted = Object.entries(JSON.parse(filter) as Record<string, string[]>)
      return { name, lane, filter: wanted.map(([attribute, allowed]) => [attribute, new Set(allowed)]) }
    })
    return { version, lines }
  }

  #lane({ name, lane }: Line): Lane {
    let known = this.#lanes.get(lane)
    if (known) return known
    if (this.#lanes.size >= maxLanes) this.#lanes.clear()
    const own = this.#own(lane)
    const wake = new Wake(this.#connection.subscriber, own)
    known = {
      keys: [...keysOf(this.#prefix, own), ...this.#keys('subscriptions')],
      args: [name, lane],
      channel: own,
      wake,
    }
    this.#lanes.set(lane, known)
    return known
  }

  #keys(...names: string[]): string[] {
    return names.map((name) => `${this.#prefix}:${name}`)
  }

  #own(lane: string): string {
    return `${this.#prefix}:${lane}`
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(({ wake }) => wake.close()))
  }
}

function passes({ filter }: Line, { attributes }: Outgoing): boolean {
  return filter.every(([name, allowed]) => Object.hasOwn(attributes, name) && allowed.has(attributes[name]!))
}
