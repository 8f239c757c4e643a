export interface Take {
  key: string
  /** Tokens asked for, 1 or more. */
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
 * goes back; a bucket never gives more than it holds. May forget in a crash (buckets are full then). Raw errors.
 */
export interface LimiterDriver {
  /** In order; several takes of one key in a call are decided one after the other. */
  take(bucket: Bucket, takes: readonly Take[]): Promise<Taken[]>
  /** Fills a bucket. */
  reset(key: string): Promise<void>
  stats(): Promise<{ keys: number }>
  close(): Promise<void>
}
