/*
 * URL: `nats://user:password@host:4222`, `nats://token@host`, several servers of one cluster by commas. Options: `tls=yes|no`, `ca` `cert`
 * `key` (files, PEM), `creds` (file of a user's JWT and seed), `replicas=1|3|5` (1). Oldest server: 2.10 with JetStream. Publishing many is
 * all or none from 2.12 on and up to 1000 messages; else a failure in the middle leaves those before it published. Not supported:
 * transactions (the outbox does it), order by key, `keep.messages`. A filter is looked at when a message is received; until then it
 * counts as pending. Tokens are good in the driver that received them.
 * At rest: stream `ashlar-topic-<name>` (interest: a message stays until every subscription is done with it) with a durable consumer
 * for each subscription; stream `ashlar-topicdead-<name>` with one subject for each dead letter; stream `ashlar-topicnotes-<name>` with
 * filters, and with the failed attempts of messages that wait for another.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError } from '../../errors.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { takeLink } from '../../nats/link.ts'
import type {
  DeadLetter,
  Delivered,
  Outgoing,
  Settlement,
  Subscription,
  SubscriptionStats,
  TopicCapabilities,
  TopicDriver,
} from './driver.ts'
import { dead, redrive } from './nats-dead.ts'
import { HeldMessages, type Held } from './nats-held.ts'
import { headerRoom } from './nats-message.ts'
import { publish } from './nats-publish.ts'
import { extend, receive } from './nats-receive.ts'
import { settle } from './nats-settle.ts'
import { Site } from './nats-site.ts'
import { mustExist, subscribe, unsubscribe } from './nats-subscriptions.ts'
import { stats, trim } from './nats-trim.ts'

export { codeOf } from '../../nats/faults.ts'

const maxBytes = 1024 ** 2

class NatsTopic implements TopicDriver {
  readonly capabilities: TopicCapabilities
  readonly native: object
  readonly #site: Site
  readonly #release: () => Promise<void>
  readonly #held = new HeldMessages()
  readonly #closing = new AbortController()

  constructor(site: Site, release: () => Promise<void>) {
    const { link, places } = site
    this.#site = site
    this.#release = release
    this.native = { connection: link.connection, stream: places.messages, subject: places.all }
    this.capabilities = {
      transactions: false,
      filters: true,
      changesFilters: true,
      ordered: false,
      deadLetters: true,
      history: true,
      keepsMessages: false,
      trims: true,
      figures: true,
      maxBytes: Math.min(maxBytes, link.maxPayload - headerRoom),
    }
  }

  publish(messages: readonly Outgoing[]): Promise<string[]> {
    return publish(this.#site, messages)
  }

  subscribe(subscription: Subscription): Promise<void> {
    return subscribe(this.#site, subscription)
  }

  unsubscribe(name: string): Promise<void> {
    return unsubscribe(this.#site, name)
  }

  async receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    const held = await receive(this.#site, this.#held, subscription, { ...options, signal })
    return held.map(deliveredOf)
  }

  async settle(subscription: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    const answer = await settle(this.#site, this.#held, subscription, settlements)
    if (!answer.includes(true)) await mustExist(this.#site, subscription)
    return answer
  }

  async extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const held = tokens.map((token) => this.#held.find(subscription, token))
    const answer = await Promise.all(
      held.map((each) => (each ? extend(this.#site, each, leaseMs) : Promise.resolve(false))),
    )
    if (!answer.includes(true)) await mustExist(this.#site, subscription)
    return answer
  }

  dead(subscription: string, { limit }: { limit: number }): Promise<DeadLetter[]> {
    return dead(this.#site, subscription, limit)
  }

  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number> {
    return redrive(this.#site, subscription, ids)
  }

  stats(): Promise<SubscriptionStats[]> {
    return stats(this.#site)
  }

  trim(): Promise<{ subscription: string; dropped: number }[]> {
    return trim(this.#site)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#release()
  }
}

function deliveredOf({ content, attempt, token }: Held): Delivered {
  return { ...content, attempt, token }
}

export async function open(context: OpenContext): Promise<TopicDriver> {
  const { link, release } = await takeLink(context.url)
  try {
    if (link.maxPayload < 2 * headerRoom)
      throw new AshlarError(
        'unsupported',
        `this NATS server takes messages of ${link.maxPayload} bytes; at least ${2 * headerRoom} are needed: raise its max_payload`,
      )
    return new NatsTopic(await Site.open(link, context.name, engineName(context)), release)
  } catch (error) {
    await release()
    throw error
  }
}
