export interface Write {
  key: string
  /** JSON text. */
  value: string
  /** Until it is gone: 1 ms to 400 days. */
  ttlMs: number
  tags: readonly string[]
  /** Written only while this token holds the lock of the key, which the write frees. */
  token?: string
}

export interface CacheCapabilities {
  /** `invalidate` by tag. */
  tags: boolean
  /** Other processes hear of deletions and overwrites, for their near tier. */
  events: boolean
  /** `sweep` keeps to bounds. False for an engine that bounds its memory itself. */
  bounds: boolean
  /** Largest value, in bytes of UTF-8. */
  maxBytes: number
}

/** How much one cache may keep. */
export interface Bounds {
  maxEntries: number
  maxBytes: number
}

/**
 * What a cache driver promises: an entry is there until its time is over, it is deleted, or memory is short; never after.
 * An overwrite that fails must not leave the old value behind. May lose everything in a crash. Concurrent use, raw errors;
 * each call ends within 5 s; never retries. Keys are any text of 1 to 65 536 characters; tags hold no NUL.
 */
export interface CacheDriver {
  readonly capabilities: CacheCapabilities
  /** In the order of the keys, at most 1000; `undefined` where there is none. `ttlMs` is what is left. */
  get(keys: readonly string[]): Promise<({ value: string; ttlMs: number } | undefined)[]>
  /**
   * At most 500; one key at most once per call. Answers which were written: all but those whose token had lost the lock.
   * One without a token takes the key's lock away from whoever has it.
   */
  set(entries: readonly Write[]): Promise<boolean[]>
  /** At most 500. Takes the locks of the keys away too: what is being loaded now was read before the deletion and is not kept. */
  delete(keys: readonly string[]): Promise<void>
  /** Deletes all entries that carry one of these tags, and takes the locks away that were taken with one. */
  invalidate(tags: readonly string[]): Promise<void>
  /** Takes the right to load a key, fleet-wide, for at most `ttlMs`; false when another has it. */
  lock(key: string, token: string, ttlMs: number, tags: readonly string[]): Promise<boolean>
  /** Keeps a lock for `ttlMs` from now; false when it was lost. */
  prolong(key: string, token: string, ttlMs: number): Promise<boolean>
  unlock(key: string, token: string): Promise<void>
  /**
   * `digestOf` each key changed by another driver (names do not travel), `undefined` meaning "anything may have changed". A hint,
   * possibly late; what may have been missed (a lost connection) is told as `undefined`. A first write of a key is no change.
   */
  onChange(changed: (digests: readonly string[] | undefined) => void): Promise<() => Promise<void>>
  /** Frees what is over and, with the capability `bounds`, what is above them: first what ends soonest. Answers how many. */
  sweep(bounds: Bounds): Promise<number>
  /** Of live entries. */
  stats(): Promise<{ entries: number; bytes: number }>
  close(): Promise<void>
}
