import type { Block, BlockOptions, Native, Schema } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Consumer } from '../../lease/consumer.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'
import type { DeadLetter, SubscriptionStats, TopicDriver } from './driver.ts'

export type { Consumer }

export interface TopicOptions<T> extends BlockOptions {
  /**
   * Any Standard Schema. Checked when published, on the payload as JSON carries it, and again when received: what breaks it then
   * becomes the subscription's dead letter at once, with the reason.
   */
  schema?: Schema<T>
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<TopicDriver>
}

export interface PublishOptions {
  /**
   * Published when this transaction commits, or never. Where the engine is not that database, the message goes through the outbox
   * of `DATABASE_URL` and the id answered is the outbox's. @throws `unsupported` for a transaction of any other database
   */
  tx?: Transaction
  /** What subscriptions may filter by: at most 10, names and values up to 256 bytes. */
  attributes?: Record<string, string>
  /** Within each subscription, messages of one key are handled one at a time, in publishing order, retries included. Up to 256 bytes. */
  key?: string
}

export interface SubscribeOptions {
  /**
   * Only messages whose attributes have one of the listed values, for each attribute named here. At most 10 attributes with 100
   * values each. Default: everything. A changed filter holds for what is published from then on.
   */
  filter?: Record<string, string | readonly string[]>
  /**
   * What the subscription holds at most while nobody consumes: messages older than `age` go (1s to 10 years, default '7d'), and of
   * more than `messages` the oldest (1 to 1,000,000,000, default 1,000,000). Handled about once a minute; leased messages and dead
   * letters stay. What went shows in `subscriptions()`, metrics and the log. The last `subscribe` decides.
   * @throws `unsupported` for `messages` where the driver has no `keepsMessages`
   */
  keep?: { age?: Duration; messages?: number }
  /** Deliveries before a message becomes this subscription's dead letter. 1 to 1000, default 5. */
  attempts?: number
  /** How long a consumer holds a message before others may take it; renewed while the handler runs. 1s to 12h, default '30s'. */
  visibility?: Duration
  /** Wait after the first failure; doubles with each further one up to `maxBackoff`, with jitter. 1ms to 1d, default '1s'. */
  backoff?: Duration
  /** Longest wait between attempts. `backoff` to 30d, default '1h'. */
  maxBackoff?: Duration
  /** Handlers at the same time in this process. 1 to 1000, default 10. */
  concurrency?: number
  /** How long `close` waits for running handlers. 0 to 1h, default '10s'. */
  drain?: Duration
}

export interface Message<T> {
  readonly id: string
  readonly payload: T
  readonly attributes: Readonly<Record<string, string>>
  readonly key: string | undefined
  /** 1 at the first delivery to this subscription. */
  readonly attempt: number
  readonly publishedAt: Date
  /** Sorts higher, as text, with each delivery: hand it to whatever must refuse a consumer that lost its lease. */
  readonly token: string
  /** Aborts when the lease is lost or the consumer shuts down past its deadline. */
  readonly signal: AbortSignal
  /** As `Job.once` of the queue: effects once per message and name, in one transaction with the mark. */
  once<R>(name: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined>
}

/** Publish and subscribe: every subscription gets each message; consumers of one subscription share its messages. */
export interface Topic<T> extends Block {
  /**
   * Durable, in every subscription that exists now and whose filter matches, when it resolves with the message's id. Not tried
   * again by itself. @throws `invalid_argument` `unavailable` `timeout` `exhausted`
   */
  publish(payload: T, options?: PublishOptions): Promise<string>
  /** All or none, in this order: at most 10,000 payloads and 64 MB. */
  publishMany(payloads: readonly T[], options?: PublishOptions): Promise<string[]>
  /**
   * Makes the durable subscription `name` if need be and consumes from it. It outlives the consumer, until `unsubscribe`, and
   * gets all that is published from now on, whether or not a consumer is there. A handler that returns acknowledges; one that
   * throws (anything) is retried after backoff, for this subscription alone.
   */
  subscribe(name: string, handler: (message: Message<T>) => unknown, options?: SubscribeOptions): Promise<Consumer>
  /** Ends a subscription, and drops what it still holds, dead letters included. */
  unsubscribe(name: string): Promise<void>
  /** A subscription's oldest dead letters. `limit` 1 to 10,000, default 100. @throws `not_found` */
  dead(subscription: string, options?: { limit?: number }): Promise<DeadLetter[]>
  /** Sends dead letters back to their subscription to be handled anew. Answers how many there were. @throws `not_found` */
  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number>
  /** All subscriptions with what they hold: a dead one shows by its `oldestAgeMs` and `dropped`. */
  subscriptions(): Promise<SubscriptionStats[]>
  /** The engine's own client, by a name of `ashlar/native`: `orders.native(nats)`. @throws `unsupported` on another driver */
  native<N extends object>(of: Native<N>): N
}
