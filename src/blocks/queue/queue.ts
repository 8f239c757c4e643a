import type { Block, BlockOptions, Schema } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'
import type { DeadLetter } from './driver.ts'

export interface QueueOptions<T> extends BlockOptions {
  /** Deliveries before a message becomes a dead letter. 1 to 1000, default 5. */
  attempts?: number
  /** How long a worker holds a message before others may take it; renewed while the handler runs. 1s to 12h, default '30s'. */
  visibility?: Duration
  /** Wait after the first failure; doubles with each further one, with jitter. Default '1s'. */
  backoff?: Duration
  /** Longest wait between attempts. Default '1h'. */
  maxBackoff?: Duration
  /** Any Standard Schema: checked when sent and when received. */
  schema?: Schema<T>
}

export interface SendOptions {
  /** Sent when this transaction commits, or never. */
  tx?: Transaction
  delay?: Duration
  priority?: number
  key?: string
  dedupe?: { key: string; window?: Duration }
}

export interface Job<T> {
  readonly id: string
  readonly payload: T
  /** 1 at the first delivery. */
  readonly attempt: number
  readonly sentAt: Date
  readonly key: string | undefined
  /** Grows with each delivery of this message: hand it to whatever must refuse a worker that lost its lease. */
  readonly token: string
  /** Aborts when the lease is lost or the worker shuts down past its deadline. */
  readonly signal: AbortSignal
  /**
   * Runs effects once for this message and name, however often it is delivered: the mark commits with the effects, in `tx`.
   * @returns what the work returned, or `undefined` when it was done before. @throws `unsupported` without a database
   */
  once<R>(name: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined>
}

export interface WorkOptions {
  /** Handlers at the same time in this process. 1 to 1000, default 10. */
  concurrency?: number
  /** How long `close` waits for running handlers. Default '10s'. */
  drain?: Duration
}

export interface Consumer extends AsyncDisposable {
  /** False while paused. */
  readonly running: boolean
  pause(): void
  resume(): void
  /** Takes no more, lets running handlers end until the drain deadline, then gives the rest back at once. */
  close(): Promise<void>
}

/** A work queue: each message goes to one of the competing consumers, at least once. */
export interface Queue<T> extends Block {
  send(payload: T, options?: SendOptions): Promise<string>
  sendMany(payloads: readonly T[], options?: SendOptions): Promise<string[]>
  /**
   * Handles messages until closed. A handler that returns acknowledges; one that throws (anything) is retried after
   * backoff, and becomes a dead letter after the last attempt, or at once when it throws `GiveUp`.
   */
  work(handler: (job: Job<T>) => unknown, options?: WorkOptions): Consumer
  dead(options?: { limit?: number }): Promise<DeadLetter[]>
  redrive(ids: readonly string[] | 'all'): Promise<number>
}
