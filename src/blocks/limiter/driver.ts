export interface Take {
  key: string
  /** Tokens asked for: a whole number, 1 to the bucket's capacity. */
  cost: number
}

/** Size and speed of every bucket of this limiter. */
export interface Bucket {
  capacity: number
  refillPerMs: number
}

export interface Taken {
  allowed: boolean
  /** Whole tokens left. */
  remaining: number
  /** Until as many tokens as asked for are there; 0 when allowed. */
  retryAfterMs: number
  /** Until the bucket is full again. */
  resetMs: number
}

/**
 * What a limiter driver promises: each decision is one atomic step for the whole fleet, by the engine's clock, which never
 * goes back; a bucket never gives more than it holds. May forget in a crash (buckets are full then). Raw errors; each call
 * ends within 5 s; never retries (a take whose answer was lost may have been counted).
 */
export interface LimiterDriver {
  /** Answers in order; several takes of one key in a call are decided one after the other. At most 1000 a call. */
  take(bucket: Bucket, takes: readonly Take[]): Promise<Taken[]>
  /** Fills a bucket. */
  reset(key: string): Promise<void>
  /** Buckets that are not full. */
  stats(): Promise<{ keys: number }>
  close(): Promise<void>
}
