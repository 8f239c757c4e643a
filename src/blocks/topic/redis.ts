/*
 * URL: `redis[s]://user:password@host:port/database`, options as `redis/url.ts` reads them. Redis 7.0 or newer, or Valkey; Redis
 * Cluster by `cluster=yes`. Everything is supported but transactions, which go by the outbox. At rest: keys that begin with
 * `ashlar:{<service>.<name>}:topic:`, all of one slot. A message is stored once; each subscription has sets of its own that name
 * it; `redis-text.ts` and `redis/lease-text.ts` say what is in each. The clock is the server's. A server that may drop keys is
 * refused.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { isAshlarError } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import type { Client } from '../../redis/connection.ts'
import { LeaseSets } from '../../redis/lease.ts'
import { openRedis, type Share } from '../../redis/open.ts'
import { checkServer } from '../../redis/server.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicDriver,
} from './driver.ts'
import { Subscriptions } from './redis-subscriptions.ts'
import { guardText } from './redis-text.ts'

interface Content {
  headers: Record<string, string>
  attributes: Record<string, string>
  body: string
}

class RedisTopic implements TopicDriver {
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
  readonly caution?: string
  readonly native: { client: Client; prefix: string }
  readonly #share: Share
  readonly #sets: LeaseSets
  readonly #subscriptions: Subscriptions

  constructor(share: Share, name: string, caution: string | undefined) {
    if (caution !== undefined) this.caution = caution
    const prefix = `ashlar:{${name}}:topic`
    this.native = { client: share.connection.client, prefix }
    this.#share = share
    this.#sets = new LeaseSets(share.connection, 'topic', guardText)
    this.#subscriptions = new Subscriptions(share.connection, name, prefix)
  }

  async publish(messages: readonly Outgoing[]): Promise<string[]> {
    return messages.length === 0 ? [] : this.#subscriptions.publish(messages)
  }

  subscribe(subscription: Subscription): Promise<void> {
    return this.#subscriptions.subscribe(subscription)
  }

  unsubscribe(name: string): Promise<void> {
    return this.#subscriptions.unsubscribe(name)
  }

  async receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]> {
    const lent = await this.#subscriptions.with(subscription, (lane) => this.#sets.receive(lane, options))
    return lent.map(({ text, sentAt, ...rest }) => ({ ...rest, publishedAt: sentAt, ...contentOf(text) }))
  }

  settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#subscriptions.with(subscription, (lane) => this.#sets.settle(lane, settlements))
  }

  extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#subscriptions.with(subscription, (lane) => this.#sets.extend(lane, tokens, leaseMs))
  }

  async dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    const found = await this.#subscriptions.with(subscription, (lane) => this.#sets.dead(lane, limit))
    return found.map(({ text, ...rest }) => {
      const { attributes, body } = contentOf(text)
      return { ...rest, attributes, body }
    })
  }

  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#subscriptions.with(subscription, (lane) => this.#sets.redrive(lane, ids))
  }

  async stats(): Promise<SubscriptionStats[]> {
    return this.#ofAll((subscription) =>
      this.#subscriptions.with(subscription, async (lane) => {
        const { ready, delayed, leased, dead, oldestAgeMs } = await this.#sets.stats(lane)
        const dropped = await this.#subscriptions.dropped(lane)
        return { subscription, pending: ready + delayed + leased, dead, oldestAgeMs, dropped }
      }),
    )
  }

  async trim(): Promise<{ subscription: string; dropped: number }[]> {
    await this.#subscriptions.sweep()
    return this.#ofAll(async (subscription) => {
      return { subscription, dropped: await this.#subscriptions.trim(subscription) }
    })
  }

  /** One after the other; without those that end meanwhile. */
  async #ofAll<T>(work: (subscription: string) => Promise<T>): Promise<T[]> {
    const found: T[] = []
    for (const name of await this.#subscriptions.names()) {
      try {
        found.push(await work(name))
      } catch (error) {
        if (!isAshlarError(error, 'not_found')) throw error
      }
    }
    return found
  }

  async close(): Promise<void> {
    await this.#sets.close()
    await this.#subscriptions.close()
    await this.#share.close()
  }
}

function contentOf(text: string): Content {
  const end = text.indexOf('\n')
  const content = JSON.parse(text.slice(0, end)) as Omit<Content, 'body'>
  return { ...content, body: text.slice(end + 1) }
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const share = await openRedis(context.url)
  try {
    return new RedisTopic(share, engineName(context), await checkServer(share.connection))
  } catch (error) {
    await share.close()
    throw error
  }
}

export { codeOf } from '../../redis/errors.ts'
