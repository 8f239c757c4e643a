import type { Block, BlockOptions, Schema } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'
import type { DeadLetter, SubscriptionStats } from './driver.ts'

export interface TopicOptions<T> extends BlockOptions {
  schema?: Schema<T>
}

export interface PublishOptions {
  tx?: Transaction
  /** What subscriptions may filter by. */
  attributes?: Record<string, string>
  key?: string
}

export interface SubscribeOptions {
  /** Only messages whose attributes have one of the listed values. */
  filter?: Record<string, string | readonly string[]>
  /** Deliveries before a message becomes this subscription's dead letter. Default 5. */
  attempts?: number
  visibility?: Duration
  backoff?: Duration
  concurrency?: number
  drain?: Duration
}

export interface Message<T> {
  readonly id: string
  readonly payload: T
  readonly attributes: Readonly<Record<string, string>>
  readonly key: string | undefined
  readonly attempt: number
  readonly publishedAt: Date
  readonly signal: AbortSignal
  /** As `Job.once` of the queue: effects once per message and name, in one transaction with the mark. */
  once<R>(name: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined>
}

export interface Consumer extends AsyncDisposable {
  readonly running: boolean
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Publish and subscribe: every subscription gets each message; consumers of one subscription share its messages. */
export interface Topic<T> extends Block {
  publish(payload: T, options?: PublishOptions): Promise<string>
  publishMany(payloads: readonly T[], options?: PublishOptions): Promise<string[]>
  /** Makes the durable subscription `name` if need be and consumes from it. It outlives the consumer, until `unsubscribe`. */
  subscribe(name: string, handler: (message: Message<T>) => unknown, options?: SubscribeOptions): Promise<Consumer>
  unsubscribe(name: string): Promise<void>
  dead(subscription: string, options?: { limit?: number }): Promise<DeadLetter[]>
  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number>
  subscriptions(): Promise<SubscriptionStats[]>
}
