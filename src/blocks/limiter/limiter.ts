import type { Block, BlockOptions } from '../../block.ts'
import type { Duration, Rate } from '../../units.ts'
import type { Taken } from './driver.ts'

export interface LimiterOptions extends BlockOptions {
  /** Tokens that come in: '50/s', '100/m'. */
  rate: Rate
  /** Tokens a full bucket holds. 1 to 1e9, default: the rate's count. */
  burst?: number
  /** What to answer when the engine is away or late. 'open' (default): allow; 'closed': refuse; 'local': decide in this process alone. */
  failure?: 'open' | 'closed' | 'local'
  /** How long to wait for the engine. Default '100ms'. */
  deadline?: Duration
}

/** A decision, with what HTTP says of it. */
export interface Decision extends Taken {
  /** True when the engine did not answer and `failure` decided. */
  degraded: boolean
  /** `RateLimit-Policy`, `RateLimit` (IETF draft) and, when refused, `Retry-After` in whole seconds, rounded up. */
  headers: Record<string, string>
}

/** Token buckets shared by the whole fleet. */
export interface Limiter extends Block {
  /** Takes `cost` (default 1) tokens of a key's bucket, or none. @throws `invalid_argument` for a cost above the burst */
  take(key: string, cost?: number): Promise<Decision>
  reset(key: string): Promise<void>
}
