import type { Block, BlockOptions, Native, Schema } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Consumer } from '../../lease/consumer.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration } from '../../units.ts'
import type { DeadLetter, QueueDriver } from './driver.ts'

export type { Consumer }

export interface QueueOptions<T> extends BlockOptions {
  /** Deliveries before a message becomes a dead letter. 1 to 1000, default 5. */
  attempts?: number
  /** How long a worker holds a message before others may take it; renewed while the handler runs. 1s to 12h, default '30s'. */
  visibility?: Duration
  /** Wait after the first failure; doubles with each further one, with jitter. 1ms to 1d, default '1s'. */
  backoff?: Duration
  /** Longest wait between attempts. `backoff` to 30d, default '1h'. */
  maxBackoff?: Duration
  /**
   * Any Standard Schema. Checked when sent, on the payload as JSON carries it, and again when received: what breaks it then
   * becomes a dead letter at once, with the reason.
   */
  schema?: Schema<T>
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<QueueDriver>
}

export interface SendOptions {
  /**
   * Sent when this transaction commits, or never. Where the engine is not that database, the message goes through the outbox of
   * `DATABASE_URL` and the id answered is the outbox's. @throws `unsupported` for a transaction of any other database
   */
  tx?: Transaction
  /** Not before this much later, by the engine's clock. 0 to the driver's longest (Postgres: 366d), default 0. */
  delay?: Duration
  /** 0 to 9, default 0: higher ones first among those that are ready. */
  priority?: number
  /** Messages of one key are handled one at a time, in sending order, retries included. Up to 256 bytes. */
  key?: string
  /** A second message with this key within the window (1s to 30d, default '1h') is dropped; the first one's id is answered. */
  dedupe?: { key: string; window?: Duration }
}

export interface Job<T> {
  readonly id: string
  readonly payload: T
  /** 1 at the first delivery. */
  readonly attempt: number
  readonly sentAt: Date
  readonly key: string | undefined
  /** Sorts higher, as text, with each delivery of this message: hand it to whatever must refuse a worker that lost its lease. */
  readonly token: string
  /** The schedule that sent it, and the tick it is for: not the time of its handling. */
  readonly schedule: string | undefined
  readonly scheduledFor: Date | undefined
  /** Ticks of its schedule before this one that were not sent (counted to 1000). */
  readonly missed: number
  /** Aborts when the lease is lost or the worker shuts down past its deadline. */
  readonly signal: AbortSignal
  /**
   * Keeps a value (up to 1 kB as JSON) with the message for `find` to see, also over retries, until it is done. Answers false
   * when the lease was lost. @throws `invalid_argument`; `unsupported` where the driver has no `jobs`
   */
  progress(value: unknown): Promise<boolean>
  /**
   * Runs effects once for this message and name, however often it is delivered: the mark commits with the effects, in `tx`,
   * a transaction of the queue's own database, else of `DATABASE_URL`. With neither (on `memory:`) the mark is this process's
   * memory and `tx` refuses statements with `unsupported`.
   * @returns what the work returned, or `undefined` when it was done before
   */
  once<R>(name: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined>
}

export interface ScheduleOptions<T> {
  /** Five fields (minute, hour, day, month, weekday), or six with the second first: `'30 2 * * *'`. */
  cron: string
  /**
   * Whose clock it means: a name of the IANA database, default 'UTC'. When clocks change, jobs at fixed hours run once a day
   * and others keep their interval, as in Debian's cron.
   */
  timeZone?: string
  payload: T
  /**
   * What becomes of ticks that could not be sent in time (all processes or the database were away): 'one' (default) message for
   * all of them; 'skip' those that are over a minute late; 'all' of them, the newest 100. `job.missed` tells how many were not sent.
   */
  missed?: 'one' | 'skip' | 'all'
}

/** A schedule as it stands. */
export interface Schedule<T> {
  name: string
  cron: string
  timeZone: string
  missed: 'one' | 'skip' | 'all'
  payload: T
  next: Date
  /** The newest tick that was sent. */
  last: Date | undefined
}

/** A message that is not done yet. */
export interface FoundJob {
  id: string
  /** `ready` also behind another of its key; `delayed` also while it waits for its retry; `leased`: a worker has it. */
  state: 'ready' | 'delayed' | 'leased' | 'dead'
  /** Deliveries so far, the present one included. */
  attempt: number
  sentAt: Date
  /** What its handler told last by `job.progress`. */
  progress: unknown
}

export interface WorkOptions {
  /** Handlers at the same time in this process. 1 to 1000, default 10. */
  concurrency?: number
  /** How long `close` waits for running handlers. 0 to 1h, default '10s'. */
  drain?: Duration
}

/** A work queue: each message goes to one of the competing consumers, at least once. */
export interface Queue<T> extends Block {
  /**
   * Durable when it resolves with the message's id. Not tried again by itself: after `unavailable` or `timeout` the message may
   * or may not be there, so send it again with a `dedupe` key. @throws `invalid_argument` `unavailable` `timeout` `exhausted`
   */
  send(payload: T, options?: SendOptions): Promise<string>
  /** All or none, in this order: at most 10,000 payloads and 64 MB. A `dedupe` key is for one payload only. */
  sendMany(payloads: readonly T[], options?: SendOptions): Promise<string[]>
  /**
   * Handles messages until closed. A handler that returns acknowledges; one that throws (anything) is retried after
   * backoff, and becomes a dead letter after the last attempt, or at once when it throws `GiveUp`.
   */
  work(handler: (job: Job<T>) => unknown, options?: WorkOptions): Consumer
  /** The oldest dead letters. `limit` 1 to 10,000, default 100. */
  dead(options?: { limit?: number }): Promise<DeadLetter[]>
  /** Sends dead letters back to be handled anew, with their ids. Answers how many there were. */
  redrive(ids: readonly string[] | 'all'): Promise<number>
  /**
   * A message by the id that `send` answered; `undefined` when it is done, or never was. What went through the outbox has
   * another id in its engine. @throws `unsupported` where the driver has no `jobs`, as does `cancel`
   */
  find(id: string): Promise<FoundJob | undefined>
  /**
   * Waiting messages never run; of a running one the lease is taken away: its `job.signal` aborts (at once in this process,
   * within a quarter of `visibility` elsewhere), and its result does not count. Dead letters stay. Answers how many there were.
   * A dedupe key still drops what is sent with it until its window ends. At most 10,000 ids.
   */
  cancel(ids: readonly string[]): Promise<number>
  /**
   * Nothing is handed out any more, to no worker anywhere, until `resume`, restarts included; running handlers go on. `send`
   * works as ever. `stats` and `health` tell `paused`. @throws `unsupported` where the driver has no `pause`
   */
  pause(): Promise<void>
  resume(): Promise<void>
  /**
   * Sends a payload at the times of a cron expression, each tick once by all processes together: they take turns in the
   * database that `tx` would use (see `SendOptions`; on `memory:` without one, this process), and a tick and its message are one
   * commit. Workers and those who schedule send. Named anew it is replaced; with the same times it keeps its next tick.
   * @throws `invalid_argument` also for a date that never comes; `unsupported` where there is no database
   */
  schedule(name: string, options: ScheduleOptions<T>): Promise<void>
  /** Answers whether there was one. */
  unschedule(name: string): Promise<boolean>
  /** By name, at most 10,000. */
  schedules(): Promise<Schedule<T>[]>
  /** The engine's own client, by a name of `ashlar/native`: `emails.native(amqp)`. @throws `unsupported` on another driver */
  native<N extends object>(of: Native<N>): N
}
