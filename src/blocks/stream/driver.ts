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
  offset: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Record<string, string>
  timestamp: number
}

/** What is kept of a partition: `start` is the first offset still there, `end` the next one to be written. */
export interface Bounds {
  start: number
  end: number
}

export interface Assignment {
  /** Grows with each rebalance. Commits of an older generation are refused. */
  generation: number
  partitions: number[]
}

/** One member of a consumer group. */
export interface Membership {
  /**
   * Keeps the membership alive and answers what it owns now; call it at least every `sessionMs / 3`.
   * A partition is owned by one member of a generation only.
   */
  heartbeat(): Promise<Assignment>
  /** Stores the next offsets to read; moves forward only. @throws with codeOf → `conflict` when the generation is over */
  commit(generation: number, offsets: ReadonlyMap<number, number>): Promise<void>
  /** Leaves at once, so that others need not wait for the session to end. */
  leave(): Promise<void>
}

export interface GroupStats {
  group: string
  members: number
  /** By partition: committed offset and how many records are behind it. */
  partitions: { partition: number; committed: number; lag: number }[]
}

export interface StreamCapabilities {
  /** Old records with a newer one of the same key can be dropped. */
  compaction: boolean
  maxBytes: number
}

/**
 * What a stream driver promises: order per partition, contiguous or at least growing offsets, no reader ever skips a
 * record that commits late, several groups read independently and again. Concurrent use, raw errors, no retries.
 */
export interface StreamDriver {
  readonly capabilities: StreamCapabilities
  /** The stream's partitions, made at open if it is new. @throws at open when it exists with another count */
  readonly partitions: number
  /** Durable when it returns. Records of one partition keep their order and lie together. Answers their offsets. */
  append(records: readonly Appending[]): Promise<number[]>
  /** Up to `maxRecords` (and about `maxBytes`) from an offset on; waits up to `waitMs` for the first. An offset below `start` is read from `start`. */
  read(
    partition: number,
    offset: number,
    options: { maxRecords: number; maxBytes: number; waitMs: number; signal: AbortSignal },
  ): Promise<StoredRecord[]>
  bounds(): Promise<Bounds[]>
  /** First offset of each partition whose timestamp is at or after this one; `end` if there is none. */
  offsetsAt(timestamp: number): Promise<number[]>
  join(group: string, options: { member: string; sessionMs: number }): Promise<Membership>
  /** Next offset to read per partition, where one was committed. */
  committed(group: string): Promise<Map<number, number>>
  /** Sets a group's offsets, backwards too. @throws with codeOf → `conflict` while the group has members */
  seek(group: string, offsets: ReadonlyMap<number, number>): Promise<void>
  groups(): Promise<GroupStats[]>
  /** Drops what retention no longer keeps (time, bytes per partition), never the end offset. Answers records dropped. */
  trim(retain: { ms?: number; bytesPerPartition?: number; compact: boolean }): Promise<number>
  close(): Promise<void>
}
