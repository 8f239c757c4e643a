/**
 * The place of a record in its partition: grows with each. A number, or a bigint on an engine whose places do not fit into
 * one (Kinesis); a stream has either the one or the other. Numbers and bigints compare by `<`, not by `===`.
 */
export type Offset = number | bigint

/** The offset right after: what a group commits once it has handled the record. */
export function after(offset: Offset): Offset {
  return typeof offset === 'bigint' ? offset + 1n : offset + 1
}

/** One record on its way in. `null` as value marks a deletion of the key (a tombstone); empty is a value. */
export interface Appending {
  partition: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Record<string, string>
  /** Milliseconds since 1970; the engine may replace it by its own. */
  timestamp: number
}

export interface StoredRecord {
  offset: Offset
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Record<string, string>
  timestamp: number
}

/** What is kept of a partition: `start` is the first offset still there, `end` comes after the last one written. */
export interface Bounds {
  start: Offset
  end: Offset
}

export interface Assignment {
  /** Grows with each rebalance. Commits of an older generation are refused. */
  generation: number
  partitions: number[]
  /** A rebalance is under way: stop what is under way, commit it, and beat again soon, not holding any more. */
  settling: boolean
}

/** One member of a consumer group. */
export interface Membership {
  /**
   * Keeps the membership alive and answers what it owns now; call it at least every `sessionMs / 3`.
   * A partition is owned by one member of a generation only. One who was silent for too long joins again by it.
   * @param holding still at work on partitions of the last answer: a rebalance waits for it, as long as it beats
   */
  heartbeat(holding: boolean): Promise<Assignment>
  /** Stores the next offsets to read; moves forward only. @throws with codeOf → `conflict` when the generation is over */
  commit(generation: number, offsets: ReadonlyMap<number, Offset>): Promise<void>
  /** Leaves at once, so that others need not wait for the session to end. */
  leave(): Promise<void>
}

export interface GroupStats {
  group: string
  members: number
  /** Records set aside because their handler kept failing. */
  parked: number
  /** By partition: committed offset and how many records are behind it; counted up to 1000 where offsets are not `contiguous`. */
  partitions: { partition: number; committed: Offset; lag: number }[]
}

/** A record that a group has set aside, and why. */
export interface ParkedRecord extends StoredRecord {
  partition: number
  error: string
}

export interface StreamCapabilities {
  /** Old records with a newer one of the same key can be dropped. */
  compaction: boolean
  /** `trim` with `compact` has done so when it returns. Otherwise the engine compacts by itself, in its own time. Default false. */
  compactsOnTrim?: boolean
  /** Offsets count records from 0 on: what lies between two of a partition is their difference. */
  contiguous: boolean
  /**
   * `trim` keeps exactly what it is told to. Otherwise the engine keeps the `retention` that the stream was opened with by
   * itself, in its own time, and what it cannot keep is refused at open.
   */
  trims: boolean
  /** Bytes of key, value and headers of one record. */
  maxBytes: number
}

/** What a stream is opened with, besides its URL. */
export interface StreamShape {
  partitions: number
  /** For engines that drop old records by themselves. Default: the engine's own. */
  retention?: Retention
}

/** What is kept of a log, at least. */
export interface Retention {
  ms?: number
  bytesPerPartition?: number
  /** Time drops only records that have a newer one of the same key, and old tombstones. */
  compact: boolean
}

/** What `open` of a driver's file answers: nothing is asked of the engine until the shape is known. */
export interface StreamEngine {
  /** Opens the stream, made if it is new. @throws `conflict` when it exists with another shape; else raw errors */
  open(shape: StreamShape): Promise<StreamDriver>
}

/**
 * What a stream driver promises: order per partition, contiguous or at least growing offsets, no reader ever skips a
 * record that commits late, several groups read independently and again. Concurrent use, raw errors, no retries.
 */
export interface StreamDriver {
  readonly capabilities: StreamCapabilities
  /** The engine's client and the names used there, for `block.native`: typed in `src/native.ts`. */
  readonly native: object
  /** What is worth knowing of how the engine is set up, such as what it may lose: told with the block's health. */
  readonly caution?: string
  /** The stream's partitions, made at open if it is new. @throws at open when it exists with another count */
  readonly partitions: number
  /** Durable when it returns. Records of one partition keep their order and lie together. Answers their offsets. */
  append(records: readonly Appending[]): Promise<Offset[]>
  /**
   * Up to `maxRecords` (and about `maxBytes`, but at least one) from an offset on; waits up to `waitMs` for the first, and
   * answers none when that has passed or the signal aborts. An offset below `start` is read from `start`.
   */
  read(
    partition: number,
    offset: Offset,
    options: { maxRecords: number; maxBytes: number; waitMs: number; signal: AbortSignal },
  ): Promise<StoredRecord[]>
  bounds(): Promise<Bounds[]>
  /** First offset of each partition whose timestamp is at or after this one; `end` if there is none. */
  offsetsAt(timestamp: number): Promise<Offset[]>
  /** @param options.changed called when a heartbeat would tell something new; a hint only, and optional for a driver */
  join(group: string, options: { member: string; sessionMs: number; changed?: () => void }): Promise<Membership>
  /** Next offset to read per partition, where one was committed. */
  committed(group: string): Promise<Map<number, Offset>>
  /** Sets a group's offsets, backwards too. @throws with codeOf → `conflict` while the group has members */
  seek(group: string, offsets: ReadonlyMap<number, Offset>): Promise<void>
  groups(): Promise<GroupStats[]>
  /** Sets records aside for a group; the same one again changes nothing. Kept as long as `trim` keeps records. */
  park(group: string, records: readonly ParkedRecord[]): Promise<void>
  /** Oldest first. */
  parked(group: string, options: { limit: number }): Promise<ParkedRecord[]>
  /** Drops what retention no longer keeps, never the end offset. Answers records dropped. */
  trim(retain: Retention): Promise<number>
  close(): Promise<void>
}
