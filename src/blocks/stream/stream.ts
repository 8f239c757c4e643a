import type { Block, BlockOptions, Native, Schema } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration, Size } from '../../units.ts'
import type { Bounds, GroupStats, Offset, StreamEngine } from './driver.ts'

export interface StreamOptions<T> extends BlockOptions {
  /** 1 to 1024, default 8. Fixed once the stream exists. */
  partitions?: number
  /** Records of one key stay in order, in one partition (Kafka's own murmur2 partitioner). Without: spread evenly. */
  key?: (value: T) => string
  /** How long records are kept, '1s' to '3650d', default '7d'. Consumers and relaying processes drop older ones once a minute. */
  retain?: Duration
  /** Bytes kept per partition, 1kb or more; the newest stay. Default: no limit. */
  retainBytes?: Size
  /** Keep only the newest record of each key (after `retain`). Default false. Where the driver lacks it: `unsupported` at open. */
  compact?: boolean
  /** Checks values when they are appended, and again when they are read (a Date arrives as text: coerce it there). */
  schema?: Schema<T>
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<StreamEngine>
}

export interface Entry<T> {
  readonly partition: number
  /** Its place in the partition: a number, or a bigint where the engine's places do not fit into one (Kinesis). */
  readonly offset: Offset
  readonly key: string | undefined
  /** `undefined` for a tombstone. */
  readonly value: T | undefined
  readonly at: Date
}

export interface ConsumeOptions {
  /** Where a group without commits begins. Default 'start'. */
  from?: 'start' | 'end' | Date
  /** Most records per handler call; they are of one partition. 1 to 1000, default 100. */
  batch?: number
  /** A member that is silent for so long is taken out of the group. '1s' to '5m', default '10s'. */
  session?: Duration
  /** What to do with a record whose handler keeps failing: stop the partition and retry for ever (default), or park it and go on. */
  poison?: 'stop' | 'park'
}

export interface Consumer extends AsyncDisposable {
  readonly running: boolean
  /** Partitions owned now. */
  readonly partitions: readonly number[]
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** What a handler knows besides its entries. */
export interface ConsumeContext {
  /** Aborts when the partition was given to another member, or the consumer cannot wait any longer for the handler. */
  readonly signal: AbortSignal
  /** Records that retention dropped before this group had read them: the entries begin after them. Usually 0; always where the engine does not count them. */
  readonly skipped: number
}

/** An entry that a group has set aside because its handler kept failing. */
export interface ParkedEntry {
  readonly partition: number
  readonly offset: Offset
  readonly key: string | undefined
  /** The value as JSON text: it may be what could not be read. `undefined` for a tombstone. */
  readonly body: string | undefined
  readonly at: Date
  readonly error: string
}

/** An ordered, retained, replayable log that many groups read independently. */
export interface Stream<T> extends Block {
  /**
   * Durable when it returns. With `tx`: through the outbox, published soon after the commit. An error that is `retryable` may
   * come although the record was stored: appending again then stores it twice.
   * @throws `invalid_argument` `exhausted` `unavailable` `timeout`; `unsupported` for a transaction of another database
   */
  append(value: T, options?: { tx?: Transaction; key?: string }): Promise<void>
  /** In order, with few statements; when it fails a part may be stored. At most 10 000 values and 64 MB. */
  appendMany(values: readonly T[], options?: { tx?: Transaction }): Promise<void>
  /** Marks a key as deleted. */
  remove(key: string, options?: { tx?: Transaction }): Promise<void>
  /** Reads as a member of a group; the offset is committed after the handler has returned for the whole batch. */
  consume(
    group: string,
    handler: (entries: readonly Entry<T>[], context: ConsumeContext) => unknown,
    options?: ConsumeOptions,
  ): Promise<Consumer>
  /** Reads once from a place, without a group: for replays and tools. Ends at the end of the log unless `follow`. */
  read(options?: {
    from?: 'start' | 'end' | Date
    partition?: number
    follow?: boolean
    signal?: AbortSignal
  }): AsyncIterable<Entry<T>>
  /** What a group has set aside, oldest first. At most 10 000, default 100. */
  parked(group: string, options?: { limit?: number }): Promise<ParkedEntry[]>
  /** Moves a group that has no member now. @throws `conflict` while it has */
  seek(group: string, to: 'start' | 'end' | Date): Promise<void>
  bounds(): Promise<Bounds[]>
  groups(): Promise<GroupStats[]>
  /** The engine's own client, by a name of `ashlar/native`: `views.native(kafka)`. @throws `unsupported` on another driver */
  native<N extends object>(of: Native<N>): N
}
