import type { Block, BlockOptions } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Duration, Size } from '../../units.ts'
import type { CacheDriver } from './driver.ts'

export interface CacheOptions extends BlockOptions {
  /** Default '1m'. 10ms to 400d. Each entry's own time is shortened by up to 10 % so that many do not end at once. */
  ttl?: Duration
  /**
   * What the near tier evicts when full: 'lru' (default) the longest unused, 'lfu' the least asked for (W-TinyLFU), which
   * withstands scans over many keys.
   */
  policy?: 'lru' | 'lfu'
  /** Entries in this process in front of the shared tier. 0 (none) to 1e6, default 1000; with at most 64 MB of JSON. */
  near?: number
  /** Longest time for which the near tier may be behind the shared one. 1ms to 1h, default '5s'; as a rule it hears of changes at once. */
  nearTtl?: Duration
  /** Serve an entry for so long after its time while one caller renews it. 0 to 400d, default 0: never. */
  stale?: Duration
  /** Remember `undefined` from a loader for so long, against penetration. 0 to 400d, default 0: not at all. */
  negative?: Duration
  /** How long `get` waits for the shared tier before it acts as if it missed. 1ms to 5s, default '250ms'. */
  deadline?: Duration
  /** Entries in the shared tier; a sweep each half minute removes what is above, first what ends soonest. 1 to 1e8, default 1e6. */
  maxEntries?: number
  /** Bytes of values in the shared tier, in the same way. 1kb to 1tb, default '1gb'. Engines that bound themselves refuse both. */
  maxBytes?: Size
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<CacheDriver>
}

export interface SetOptions {
  /** Default: the cache's. 10ms to 400d. */
  ttl?: Duration
  /** Names by which `invalidate` finds the entry: at most 32 of 1 to 128 characters. */
  tags?: readonly string[]
}

/**
 * Values that are read often and may be old for a moment. Any JSON value; `0 false '' null` are values like any other. What `get`
 * answers is the JSON form, frozen, since callers share it. Losing all of it is no loss of data.
 */
export interface Cache<T> extends Block {
  /**
   * Cache-aside: the value, or what the loader gives, stored. One loader runs at a time per key, fleet-wide: others wait for it, and take
   * over 2 s after its process died or 10 s after it began. A failing loader fails all who wait in this process, with its own error, and
   * nothing is kept of it. What is deleted or set while a loader runs is not overwritten by it. With the engine away it is a miss: the
   * loader's value is answered. So is a value over the driver's size, uncached.
   * @throws what the loader throws; `invalid_argument` for what is no JSON; `closed`
   */
  get(key: string, load: () => Promise<T | undefined> | T | undefined, options?: SetOptions): Promise<T | undefined>
  get(key: string): Promise<T | undefined>
  /**
   * When it fails the old value is removed, if the engine still answers; else it may be there until its time is over.
   * @throws `unavailable` `timeout`: try again, or live with the old value until then; `invalid_argument` for no JSON, or over the driver's size (the old value is then removed)
   */
  set(key: string, value: T, options?: SetOptions): Promise<void>
  /** @throws `unavailable` `timeout`: the values may still be there */
  delete(key: string | readonly string[]): Promise<void>
  /** Deletes all entries that carry one of these tags, in every process. @throws `unsupported` `unavailable` `timeout` */
  invalidate(tags: string | readonly string[]): Promise<void>
}
