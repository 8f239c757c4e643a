import type { AloneOptions, Card, Declaration, OpenContext } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import type { TopicDriver } from './driver.ts'
import { OpenTopic } from './open-topic.ts'
import type { Topic, TopicOptions } from './topic.ts'

export { GiveUp } from '../../lease/retry.ts'
export type { Consumer, Message, PublishOptions, SubscribeOptions, Topic, TopicOptions } from './topic.ts'
export type { DeadLetter, SubscriptionStats, TopicCapabilities, TopicDriver } from './driver.ts'

const card: Card = {
  job: 'Tells every interested part of the system that something happened: each subscription gets its own copy and works through it at its own pace.',
  reachFor: 'Several independent services react to one event, and the publisher should neither know nor wait for them.',
  costs:
    'Each copy is stored, tried again and watched by itself; a subscription that nobody consumes any more keeps growing. Handlers must be idempotent.',
  alternative:
    'A queue when exactly one worker has to act. A stream when readers come later, read again from the past, or need strict order.',
}

const codes = new Map<string, (error: unknown) => Code | undefined>()

function kindOf<T>(): Kind<Topic<T>, TopicOptions<T>, TopicDriver> {
  return {
    kind: 'topic',
    card,
    options: ['schema'],
    drivers: {
      postgres: async () => opener('postgres', await import('./postgres.ts')),
      memory: async () => opener('memory', await import('./memory.ts')),
    },
    build: (context, driver, options, scheme) =>
      OpenTopic.open({ context, driver, options, scheme, codeOf: codes.get(scheme) ?? (() => undefined) }),
  }
}

interface DriverModule {
  open(context: OpenContext): Promise<TopicDriver>
  codeOf(error: unknown): Code | undefined
}

function opener(scheme: string, { open, codeOf }: DriverModule) {
  codes.set(scheme, codeOf)
  return open
}

/**
 * Publish and subscribe: every subscription gets each message; consumers of one subscription share its messages.
 * @example
 * const orders = await topic<Order>('orders', { url: 'postgres://localhost/shop' })
 * await orders.subscribe('mail', async ({ payload }) => thank(payload), { filter: { kind: 'paid' } })
 * await orders.publish({ id: 7 }, { attributes: { kind: 'paid' } })
 */
export function topic<T>(name: string, options?: TopicOptions<T> & AloneOptions): Promise<Topic<T>>
/** Declares a topic of a blueprint. @throws `invalid_argument` for an unknown or impossible option */
export function topic<T>(options?: TopicOptions<T>): Declaration<Topic<T>, TopicOptions<T>>
export function topic<T>(first?: string | TopicOptions<T>, options: TopicOptions<T> & AloneOptions = {}) {
  if (typeof first === 'string') return openAlone(kindOf<T>(), first, options)
  return declare(kindOf<T>(), first ?? {})
}
