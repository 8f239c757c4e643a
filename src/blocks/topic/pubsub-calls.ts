import { status, statusOf } from '../../pubsub/errors.ts'
import type { CallOptions, Link } from '../../pubsub/link.ts'
import { requestsOf, type Received, type WireMessage } from './pubsub-message.ts'

const maxAckIds = 1_000
const probeMs = 5_000

/** Pub/Sub's calls, by full names of topics and subscriptions. */
export class Calls {
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
  }

  /** In their order. More than one request needs several; should a later one fail, the earlier ones are published. */
  async publish(topic: string, messages: readonly WireMessage[]): Promise<string[]> {
    const ids: string[] = []
    for (const some of requestsOf(messages)) {
      const answer = await this.#link.call<{ messageIds: string[] }>(
        'publisher',
        'publish',
        { topic, messages: some },
        { route: { topic } },
      )
      ids.push(...answer.messageIds)
    }
    return ids
  }

  /** What is there now, else what comes within `waitMs`. */
  async pull(subscription: string, maxMessages: number, waitMs: number, signal: AbortSignal): Promise<Received[]> {
    const request = { subscription, maxMessages, returnImmediately: waitMs <= 0 }
    const options = waitMs > 0 ? { limitMs: Math.max(100, waitMs), isWait: true, signal } : {}
    try {
      const { receivedMessages } = await this.#subscriber<{ receivedMessages: Received[] }>('pull', request, options)
      return receivedMessages
    } catch (error) {
      if (signal.aborted) return []
      if (waitMs <= 0 || statusOf(error) !== status.deadline) throw error
    }
    // Nothing came: is anybody there? A connection that is dead gives no sign of it, and this call makes the link take another one.
    await this.get(subscription, probeMs)
    return []
  }

  async acknowledge(subscription: string, ackIds: readonly string[]): Promise<void> {
    for (const some of parts(ackIds)) await this.#subscriber('acknowledge', { subscription, ackIds: some })
  }

  /** Leases end so many seconds from now; 0: at once. */
  async lend(subscription: string, ackIds: readonly string[], ackDeadlineSeconds: number): Promise<void> {
    for (const some of parts(ackIds))
      await this.#subscriber('modifyAckDeadline', { subscription, ackIds: some, ackDeadlineSeconds })
  }

  get(subscription: string, limitMs?: number): Promise<SubscriptionInfo> {
    return this.#subscriber('getSubscription', { subscription }, limitMs === undefined ? {} : { limitMs })
  }

  create(subscription: { name: string; [field: string]: unknown }): Promise<boolean> {
    return isNew(
      this.#link.call('subscriber', 'createSubscription', subscription, { route: { name: subscription.name } }),
    )
  }

  async update(subscription: { name: string; [field: string]: unknown }, paths: string[]): Promise<void> {
    await this.#link.call(
      'subscriber',
      'updateSubscription',
      { subscription, updateMask: { paths } },
      { route: { 'subscription.name': subscription.name } },
    )
  }

  remove(subscription: string): Promise<unknown> {
    return ifThere(this.#subscriber('deleteSubscription', { subscription }))
  }

  createTopic(name: string): Promise<boolean> {
    return isNew(this.#link.call('publisher', 'createTopic', { name }, { route: { name } }))
  }

  removeTopic(topic: string): Promise<unknown> {
    return ifThere(this.#link.call('publisher', 'deleteTopic', { topic }, { route: { topic } }))
  }

  subscriptionsOf(topic: string): Promise<string[]> {
    return this.#link.call('publisher', 'listTopicSubscriptions', { topic }, { route: { topic } })
  }

  #subscriber<Answer>(
    method: string,
    request: { subscription: string; [field: string]: unknown },
    options: CallOptions = {},
  ): Promise<Answer> {
    const { subscription } = request
    return this.#link.call<Answer>('subscriber', method, request, { ...options, route: { subscription } })
  }
}

export interface SubscriptionInfo {
  topic: string
  filter: string
  enableMessageOrdering: boolean
  messageRetentionDuration: { seconds: string | number } | null
}

function parts(ackIds: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ackIds.length / maxAckIds) }, (_, n) =>
    ackIds.slice(n * maxAckIds, (n + 1) * maxAckIds),
  )
}

/** False when it is there already. */
async function isNew(made: Promise<unknown>): Promise<boolean> {
  try {
    await made
    return true
  } catch (error) {
    if (statusOf(error) === status.alreadyExists) return false
    throw error
  }
}

async function ifThere(removed: Promise<unknown>): Promise<void> {
  try {
    await removed
  } catch (error) {
    if (statusOf(error) !== status.notFound) throw error
  }
}
