export interface Write {
  key: string
  /** JSON text. */
  value: string
  /** Until it is gone: 1 ms to 400 days. */
  ttlMs: number
  tags: readonly string[]
}

export interface CacheCapabilities {
  /** `invalidate` by tag. */
  tags: boolean
  /** Other processes hear of deletions and overwrites, for their near tier. */
  events: boolean
  maxBytes: number
}

/**
 * What a cache driver promises: an entry is there until its time is over, it is deleted, or memory is short; never after.
 * An overwrite that fails must not leave the old value behind. May lose everything in a crash. Concurrent use, raw errors.
 */
export interface CacheDriver {
  readonly capabilities: CacheCapabilities
  /** In the order of the keys; `undefined` where there is none. `ttlMs` is what is left. */
  get(keys: readonly string[]): Promise<({ value: string; ttlMs: number } | undefined)[]>
  /** One key at most once per call. */
  set(entries: readonly Write[]): Promise<void>
  delete(keys: readonly string[]): Promise<void>
  /** Deletes all entries that carry one of these tags. */
  invalidate(tags: readonly string[]): Promise<void>
  /** Takes the right to load a key, fleet-wide, for at most `ttlMs`; false when another holds it. */
  lock(key: string, token: string, ttlMs: number): Promise<boolean>
  unlock(key: string, token: string): Promise<void>
  /** Keys changed by anyone, `undefined` meaning "anything may have changed". A hint, possibly late, never lost silently. */
  onChange(changed: (keys: readonly string[] | undefined) => void): Promise<() => Promise<void>>
  stats(): Promise<{ entries: number; bytes: number }>
  close(): Promise<void>
}
