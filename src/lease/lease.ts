import type { Failure } from '../failure.ts'

export { leaseEnded, withFailure } from '../failure.ts'
export type { Failure }

/** A message lent to one worker until its lease ends: what queue and topic have in common. */
export interface Lent {
  id: string
  /** JSON text. */
  body: string
  headers: Record<string, string>
  key?: string
  /** 1 at the first delivery. */
  attempt: number
  /** Proof of this very delivery: useless once the lease has ended and the message was lent again. Later ones sort higher. */
  token: string
}

export type Settlement =
  | { token: string; outcome: 'done' }
  /** Visible again after `delayMs`; `error` is kept with the attempt. */
  | { token: string; outcome: 'retry'; delayMs: number; error: string }
  /** Given back unhandled: visible again at once, and this delivery is no attempt (where the engine can take it back). */
  | { token: string; outcome: 'release' }
  /** To the dead letters, with its last error and its attempts. */
  | { token: string; outcome: 'dead'; error: string }

/** The history of a dead letter, where the engine kept no more than its end. */
export function lastFailure({ attempts, error, diedAt }: { attempts: number; error: string; diedAt: Date }): Failure[] {
  return [{ attempt: attempts, at: diedAt, error }]
}

export interface ReceiveOptions {
  max: number
  leaseMs: number
  waitMs: number
  signal: AbortSignal
  /** Only where the driver has the capability `limits`; the same in every call of a service. */
  limits?: Limits
}

/** Kept by the engine for all workers together. Messages without a group are under `rate` only. */
export interface Limits {
  /** Messages of one group with workers at the same time; a lease that has ended does not count. */
  perGroup?: number
  /** Deliveries of the whole queue, retries included. */
  rate?: Pace
  /** Deliveries of each group. */
  groupRate?: Pace
}

/** So many in any span of `perMs`, evenly spread: after a rest a tenth of `count`, and at least one, may come at once. */
export interface Pace {
  count: number
  perMs: number
}

/** Where a consumer gets its messages; see the promises of the queue's driver. */
export interface LeaseSource<L extends Lent> {
  receive(options: ReceiveOptions): Promise<L[]>
  settle(settlements: readonly Settlement[]): Promise<boolean[]>
  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]>
}

export interface LeaseStats {
  ready: number
  delayed: number
  leased: number
  dead: number
  /** Age of the oldest message that is ready, 0 when there is none. */
  oldestAgeMs: number
}
