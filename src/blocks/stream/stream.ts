import type { Block, BlockOptions, Schema } from '../../block.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Duration, Size } from '../../units.ts'
import type { Bounds, GroupStats } from './driver.ts'

export interface StreamOptions<T> extends BlockOptions {
  /** 1 to 1024, default 8. Fixed once the stream exists. */
  partitions?: number
  /** Records of one key stay in order, in one partition (Kafka's own murmur2 partitioner). Without: spread evenly. */
  key?: (value: T) => string
  /** Default '7d'. */
  retain?: Duration
  /** Bytes kept per partition. Default: no limit. */
  retainBytes?: Size
  /** Keep only the newest record of each key (after `retain`). Default false. */
  compact?: boolean
  schema?: Schema<T>
}

export interface Entry<T> {
  readonly partition: number
  readonly offset: number
  readonly key: string | undefined
  /** `undefined` for a tombstone. */
  readonly value: T | undefined
  readonly at: Date
}

export interface ConsumeOptions {
  /** Where a group without commits begins. Default 'start'. */
  from?: 'start' | 'end' | Date
  /** Records per handler call. Default 100. */
  batch?: number
  /** A member that is silent for so long is taken out of the group. Default '10s'. */
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

/** An ordered, retained, replayable log that many groups read independently. */
export interface Stream<T> extends Block {
  /** With `tx`: through the outbox, published after the commit. */
  append(value: T, options?: { tx?: Transaction; key?: string }): Promise<void>
  appendMany(values: readonly T[], options?: { tx?: Transaction }): Promise<void>
  /** Marks a key as deleted. */
  remove(key: string): Promise<void>
  /** Reads as a member of a group; the offset is committed after the handler has returned for the whole batch. */
  consume(
    group: string,
    handler: (entries: readonly Entry<T>[], context: { signal: AbortSignal }) => unknown,
    options?: ConsumeOptions,
  ): Promise<Consumer>
  /** Reads once from a place, without a group: for replays and tools. Ends at the end of the log unless `follow`. */
  read(options?: {
    from?: 'start' | 'end' | Date
    partition?: number
    follow?: boolean
    signal?: AbortSignal
  }): AsyncIterable<Entry<T>>
  /** Moves a group that has no member now. */
  seek(group: string, to: 'start' | 'end' | Date): Promise<void>
  bounds(): Promise<Bounds[]>
  groups(): Promise<GroupStats[]>
}
