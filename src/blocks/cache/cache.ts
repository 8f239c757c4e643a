import type { Block, BlockOptions } from '../../block.ts'
import type { Duration } from '../../units.ts'

export interface CacheOptions extends BlockOptions {
  /** Default '1m'. 10ms to 400d. Each entry's own time is spread by up to 10 % so that many do not end at once. */
  ttl?: Duration
  /** What the near tier evicts when full. Default 'lru'. */
  policy?: 'lru' | 'lfu'
  /** Entries in this process in front of the shared tier. 0 (none) to 1e6, default 1000. */
  near?: number
  /** Longest time for which the near tier may be behind the shared one. Default '5s'. */
  nearTtl?: Duration
  /** Serve an entry for so long after its time while one caller renews it. Default 0: never. */
  stale?: Duration
  /** Remember `undefined` from a loader for so long, against penetration. Default 0: not at all. */
  negative?: Duration
  /** How long `get` waits for the shared tier before it acts as if it missed. Default '250ms'. */
  deadline?: Duration
}

export interface SetOptions {
  ttl?: Duration
  tags?: readonly string[]
}

/** Values that are read often and may be old for a moment. Any JSON value. Losing all of it is no loss of data. */
export interface Cache<T> extends Block {
  /**
   * Cache-aside: the value, or what the loader gives, stored. One loader runs at a time per key, fleet-wide. A failing
   * loader fails all who wait, and nothing is kept of it. With the engine away it is a miss: the loader's value is answered.
   */
  get(key: string, load: () => Promise<T | undefined> | T | undefined, options?: SetOptions): Promise<T | undefined>
  get(key: string): Promise<T | undefined>
  set(key: string, value: T, options?: SetOptions): Promise<void>
  delete(key: string | readonly string[]): Promise<void>
  /** Deletes all entries that carry one of these tags, in every process. @throws `unsupported` */
  invalidate(tags: string | readonly string[]): Promise<void>
}
