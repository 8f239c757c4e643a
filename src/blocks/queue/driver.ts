import type { Failure, ReceiveOptions, Settlement } from '../../lease/lease.ts'
import type { Transaction } from '../../postgres/sql.ts'

export type { Failure, Settlement }

/** A message on its way in. The portable type has checked sizes and schema already. */
export interface Outgoing {
  /** JSON text, UTF-8. Any JSON value, `null` and arrays included. */
  body: string
  /** Trace context and the like: short ASCII names and values. */
  headers: Record<string, string>
  /** Not before this many milliseconds from now, by the engine's clock. 0 = at once. */
  delayMs: number
  /** 0 (default) to 9; higher first among those that are ready. Needs the capability `priority`. */
  priority: number
  /** Messages with equal keys are handled one at a time, in sending order; other keys run on. Needs `ordered`. */
  key?: string
  /** Groups with ready messages take turns, whatever their backlogs; messages without one are a group, too. Needs `groups`. */
  group?: string
  /** A second message with this key within `windowMs` is dropped and the first one's id is answered. Needs `dedupe`. */
  dedupe?: { key: string; windowMs: number }
}

/** A message lent to one worker. */
export interface Leased {
  id: string
  body: string
  headers: Record<string, string>
  key?: string
  group?: string
  /** 1 at the first delivery; a delivery that ended with `release` does not count. */
  attempt: number
  sentAt: Date
  /**
   * Proof of this very delivery: useless once the lease has ended and the message was lent again (a fence). Those of later
   * deliveries of a message sort higher, as text.
   */
  token: string
}

export interface DeadLetter {
  id: string
  body: string
  headers: Record<string, string>
  attempts: number
  error: string
  diedAt: Date
  /** Its failed attempts, the newest 10, oldest first; only the last one where the driver has no `history`. */
  history: readonly Failure[]
}

/** A message that is not done yet. */
export interface Found {
  id: string
  /** `ready` also behind another of its key; `delayed` also while it waits for its retry; `leased`: a worker has it. */
  state: 'ready' | 'delayed' | 'leased' | 'dead'
  /** Deliveries so far, the present one included. */
  attempt: number
  sentAt: Date
  /** JSON text: what `progress` kept last; gone when the message is dead. */
  progress?: string
}

/** Messages by their ids, which are those that `send` answered. */
export interface Jobs {
  /** `undefined`: there is no such message, or it is done. */
  find(id: string): Promise<Found | undefined>
  /**
   * Takes away messages that wait or run: they are lent no more, and the token of a running one holds no longer. Dead letters
   * stay. Unknown ids are no error. Answers how many it took.
   */
  cancel(ids: readonly string[]): Promise<number>
  /** Keeps JSON text of up to 1 kB with the message, also over retries; false where the token no longer holds. */
  progress(token: string, value: string): Promise<boolean>
}

/** The whole queue, for all its workers everywhere; kept when they restart. */
export interface Pausing {
  /** While paused, `receive` lends nothing; what is lent already goes on. Waiting receives lend soon after it is over. */
  set(paused: boolean): Promise<void>
  isPaused(): Promise<boolean>
}

export interface QueueStats {
  ready: number
  delayed: number
  leased: number
  dead: number
  /** Age of the oldest message that is ready, 0 when there is none. */
  oldestAgeMs: number
}

export interface QueueCapabilities {
  /** Takes part in the caller's transaction. Otherwise the portable type goes through the outbox. */
  transactions: boolean
  delay: boolean
  priority: boolean
  ordered: boolean
  dedupe: boolean
  /** Dead letters can be listed and redriven. */
  deadLetters: boolean
  /** Dead letters tell of each failed attempt. */
  history: boolean
  /** Has the part `jobs`. Left out: it has not; so with the next ones. */
  jobs?: boolean
  /** Has the part `pausing`. */
  pause?: boolean
  /** Lends to groups in turn. */
  groups?: boolean
  /** Keeps the `limits` of `receive`. */
  limits?: boolean
  /** A delivery that ended with `release` does not count as an attempt. Left out: so it is; so with the next one. */
  uncounted?: boolean
  /** Figures are exact and at once; else they are estimates, a message that waits for its retry counts as leased, and `oldestAgeMs` is 0. */
  exactStats?: boolean
  /** The only window that `dedupe` has. Left out: any. */
  dedupeWindowMs?: number
  /** The longest wait for a retry. Left out: any. */
  maxRetryMs?: number
  /** Largest body in bytes. */
  maxBytes: number
  /** Longest delay in milliseconds. */
  maxDelayMs: number
}

/**
 * What a queue driver promises. All methods may run concurrently. Drivers do not retry, log or wrap: they throw raw
 * errors, and `codeOf` says what those mean. Every call ends within the engine's own deadline (at most 30 s).
 */
export interface QueueDriver {
  readonly capabilities: QueueCapabilities
  /** The database whose transactions it takes part in (see `originOf`): set when `capabilities.transactions`. */
  readonly origin?: string
  /** The engine's client and the names used there, for `block.native`: typed in `src/native.ts`. */
  readonly native: object
  /** What is worth knowing of how the engine is set up, such as what it may lose: told with the block's health. */
  readonly caution?: string
  /**
   * Durable when it returns: the engine holds all of them, in this order per key, or it throws and none was stored
   * (an engine without atomic batches throws naming the number stored). Returns an id for each.
   */
  send(messages: readonly Outgoing[], tx?: Transaction): Promise<string[]>
  /**
   * Lends up to `max` ready messages for `leaseMs`. Waits up to `waitMs` for the first; returns early with none when
   * `signal` aborts. Each message goes to one caller at a time until its lease ends.
   */
  receive(options: ReceiveOptions): Promise<Leased[]>
  /** Ends leases. Answers for each whether the token still held; a stale token changes nothing. */
  settle(settlements: readonly Settlement[], tx?: Transaction): Promise<boolean[]>
  /** Prolongs leases to `leaseMs` from now; false where the token no longer holds. */
  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]>
  /** The oldest dead letters first. */
  dead(options: { limit: number }): Promise<DeadLetter[]>
  /** Sends dead letters back with attempt 1 and their old id: the named ones or all. Answers how many. */
  redrive(ids: readonly string[] | 'all'): Promise<number>
  stats(): Promise<QueueStats>
  /** Set when `capabilities.jobs`. */
  readonly jobs?: Jobs
  /** Set when `capabilities.pause`. */
  readonly pausing?: Pausing
  close(): Promise<void>
}
