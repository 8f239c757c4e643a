import type { Bucket, Take, Taken } from './driver.ts'

/** So much less than a whole token still counts as one: sums of fractions are not exact. The debt stays in the bucket, so nothing is gained. */
export const tolerance = 1e-6

/** Tokens in a bucket after some time. A clock that went back counts as no time. */
function levelAfter(bucket: Bucket, tokens: number, elapsedMs: number): number {
  return Math.min(bucket.capacity, tokens + Math.max(0, elapsedMs) * bucket.refillPerMs)
}

/** How many of `asked` takes of one cost pass, one after the other. */
export function grantable(level: number, asked: number, cost: number): number {
  return Math.max(0, Math.min(asked, Math.floor((level + tolerance) / cost)))
}

/** The answer to a take, given what is in the bucket after it. */
export function answer(bucket: Bucket, allowed: boolean, cost: number, level: number): Taken {
  return {
    allowed,
    remaining: Math.max(0, Math.floor(level + tolerance)),
    retryAfterMs: allowed ? 0 : Math.max(1, Math.ceil((cost - level) / bucket.refillPerMs)),
    resetMs: Math.max(0, Math.ceil((bucket.capacity - level) / bucket.refillPerMs)),
  }
}

interface Level {
  tokens: number
  at: number
}

/**
 * Buckets in this process. A full bucket is forgotten, since a new one is full too; at `maxKeys` the one that was
 * used longest ago is.
 */
export class LocalBuckets {
  readonly #levels = new Map<string, Level>()
  readonly #maxKeys: number
  readonly #now: () => number
  #sweepAt: number

  constructor(maxKeys: number, now: () => number = () => performance.now()) {
    this.#maxKeys = maxKeys
    this.#now = now
    this.#sweepAt = Math.min(maxKeys, 1000)
  }

  take(bucket: Bucket, { key, cost }: Take): Taken {
    const now = this.#now()
    const known = this.#levels.get(key)
    const level = known ? levelAfter(bucket, known.tokens, now - known.at) : bucket.capacity
    const allowed = grantable(level, 1, cost) === 1
    const tokens = allowed ? level - cost : level
    this.#levels.delete(key) // so that the order of the map is that of last use
    this.#levels.set(key, { tokens, at: Math.max(now, known?.at ?? now) })
    if (this.#levels.size > this.#sweepAt) this.#makeRoom(bucket, now)
    return answer(bucket, allowed, cost, tokens)
  }

  reset(key: string): void {
    this.#levels.delete(key)
  }

  /** Buckets that are not full. */
  count(bucket: Bucket | undefined): number {
    if (bucket) this.#forgetFull(bucket, this.#now())
    return this.#levels.size
  }

  #makeRoom(bucket: Bucket, now: number): void {
    this.#forgetFull(bucket, now)
    for (const key of this.#levels.keys()) {
      if (this.#levels.size <= this.#maxKeys) break
      this.#levels.delete(key)
    }
    this.#sweepAt = Math.min(this.#maxKeys, Math.max(1000, this.#levels.size * 2)) // a sweep costs each take O(1)
  }

  #forgetFull(bucket: Bucket, now: number): void {
    for (const [key, { tokens, at }] of this.#levels)
      if (levelAfter(bucket, tokens, now - at) >= bucket.capacity) this.#levels.delete(key)
  }
}
