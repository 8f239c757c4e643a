import type { Failure, ReceiveOptions, Settlement } from '../../lease/lease.ts'
import type { Transaction } from '../../postgres/sql.ts'

export type { Failure, Settlement }

export interface Outgoing {
  /** JSON text. */
  body: string
  headers: Record<string, string>
  /** Text attributes that subscriptions filter by: at most 10, names and values at most 256 bytes. */
  attributes: Record<string, string>
  /** Order within a subscription is kept among equal keys. Needs `ordered`. */
  key?: string
}

export interface Delivered {
  id: string
  body: string
  headers: Record<string, string>
  attributes: Record<string, string>
  key?: string
  /** 1 at the first delivery to this subscription; a delivery that ended with `release` does not count. */
  attempt: number
  publishedAt: Date
  /** Proof of this very delivery; stale once the lease has ended and the message was lent again. Later ones sort higher, as text. */
  token: string
}

export interface DeadLetter {
  id: string
  body: string
  attributes: Record<string, string>
  attempts: number
  error: string
  diedAt: Date
  /** Its failed attempts, the newest 10, oldest first; only the last one where the driver has no `history`. */
  history: readonly Failure[]
}

export interface Subscription {
  name: string
  /** Every named attribute must have one of these values. Empty: everything. */
  filter: Record<string, readonly string[]>
  /** What it holds at most while nobody consumes; see `trim`. */
  keep: Keep
}

export interface Keep {
  /** Older messages go, whatever their keys and attempts; a dead letter that is redriven counts as new. */
  ms: number
  /** Of more than so many the oldest go. `Infinity` where the driver has no `keepsMessages`. */
  messages: number
}

export interface SubscriptionStats {
  subscription: string
  /** Published and not yet settled for this subscription. */
  pending: number
  dead: number
  oldestAgeMs: number
  /** Messages that went because of `keep`, since the subscription was made. */
  dropped: number
}

export interface TopicCapabilities {
  transactions: boolean
  /** Subscriptions can filter on attributes in the engine. */
  filters: boolean
  /** `subscribe` can change the filter of a subscription that exists; else it refuses with `unsupported`. */
  changesFilters: boolean
  ordered: boolean
  deadLetters: boolean
  /** Dead letters tell of each failed attempt. */
  history: boolean
  /** `keep.messages` is kept; `keep.ms` always is. */
  keepsMessages: boolean
  /** What is beyond `keep` goes by `trim`, which counts it; else by the engine, in its own time, and `dropped` may not know it. */
  trims: boolean
  /** `stats` tells numbers and ages; else which subscriptions there are, estimates, and NaN for what is not known. */
  figures: boolean
  /** A delivery that ended with `release` does not count as an attempt. Left out: so it is. */
  uncounted?: boolean
  maxBytes: number
}

/**
 * What a topic driver promises: every subscription that exists when a message is published gets it, also while nobody
 * consumes; consumers of one subscription compete. At least once. Same rules as for the queue's driver: concurrent use,
 * raw errors, no retries.
 */
export interface TopicDriver {
  readonly capabilities: TopicCapabilities
  /** The database whose transactions it takes part in (see `originOf`): set when `capabilities.transactions`. */
  readonly origin?: string
  /** The engine's client and the names used there, for `block.native`: typed in `src/native.ts`. */
  readonly native: object
  /** What is worth knowing of how the engine is set up, such as what it may lose: told with the block's health. */
  readonly caution?: string
  /**
   * Durable, and in every subscription that exists now and matches, when it returns; all of them or, when it throws, none.
   * Answers an id for each, which all subscriptions see.
   */
  publish(messages: readonly Outgoing[], tx?: Transaction): Promise<string[]>
  /** Makes a subscription, or changes the filter (for messages published from now on) and `keep` of one that exists. Idempotent. */
  subscribe(subscription: Subscription): Promise<void>
  /** Ends a subscription and drops what it still holds. */
  unsubscribe(name: string): Promise<void>
  /** Throws an AshlarError `not_found` when there is no such subscription, as do the methods below. */
  receive(subscription: string, options: ReceiveOptions): Promise<Delivered[]>
  settle(subscription: string, settlements: readonly Settlement[], tx?: Transaction): Promise<boolean[]>
  extend(subscription: string, tokens: readonly string[], leaseMs: number): Promise<boolean[]>
  dead(subscription: string, options: { limit: number }): Promise<DeadLetter[]>
  redrive(subscription: string, ids: readonly string[] | 'all'): Promise<number>
  stats(): Promise<SubscriptionStats[]>
  /**
   * Drops what is beyond `keep` of each subscription, leased messages excepted, and answers how many; called about once a minute.
   * Where the engine does so itself this only answers what it knows.
   */
  trim(): Promise<{ subscription: string; dropped: number }[]>
  close(): Promise<void>
}
