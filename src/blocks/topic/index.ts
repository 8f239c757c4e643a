import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import type { TopicDriver } from './driver.ts'
import { OpenTopic } from './open-topic.ts'
import type { Topic, TopicOptions } from './topic.ts'

export { GiveUp } from '../../lease/retry.ts'
export type { Consumer, Message, PublishOptions, SubscribeOptions, Topic, TopicOptions } from './topic.ts'
export type { DeadLetter, Keep, SubscriptionStats, TopicCapabilities, TopicDriver } from './driver.ts'

const card: Card = {
  job: 'Tells every interested part of the system that something happened: each subscription gets its own copy and works through it at its own pace.',
  reachFor: 'Several independent services react to one event, and the publisher should neither know nor wait for them.',
  costs:
    'Each copy is stored, tried again and watched by itself; a subscription that nobody consumes any more fills up to its cap. Handlers must be idempotent.',
  alternative:
    'A queue when exactly one worker has to act. A stream when readers come later, read again from the past, or need strict order.',
}

function kindOf<T>(): Kind<Topic<T>, TopicOptions<T>, TopicDriver> {
  return {
    kind: 'topic',
    card,
    options: ['schema'],
    drivers: {
      postgres: () => import('./postgres.ts'),
      memory: () => import('./memory.ts'),
      amqp: () => import('./amqp.ts'),
      redis: () => import('./redis.ts'),
      nats: () => import('./nats.ts'),
      pubsub: () => import('./pubsub.ts'),
      sns: () => import('./sns.ts'),
    },
    build: (context, opened, options) => OpenTopic.open({ ...opened, context, options }),
  }
}

/** A topic of a blueprint: `orders: topic<Order>()`. @throws `invalid_argument` */
export function topic<T>(options?: TopicOptions<T>): Declaration<Topic<T>, TopicOptions<T>>
/**
 * A topic alone: every subscription gets each message, and its consumers share them.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using orders = await topic<Order>('orders', { url: 'postgres://localhost/shop' })
 * await orders.subscribe('mail', async ({ payload }) => thank(payload), { filter: { kind: 'paid' } })
 * await orders.publish({ id: 7 }, { attributes: { kind: 'paid' } })
 */
export function topic<T>(name: string, options?: TopicOptions<T> & AloneOptions): Promise<Topic<T>>
export function topic<T>(
  first: string | TopicOptions<T> = {},
  options: TopicOptions<T> & AloneOptions = {},
): Declaration<Topic<T>, TopicOptions<T>> | Promise<Topic<T>> {
  const kind = kindOf<T>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
