import type { Block, BlockOptions } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Duration, Rate } from '../../units.ts'
import type { LimiterDriver, Taken } from './driver.ts'

export interface LimiterOptions extends BlockOptions {
  /** Tokens that come in: '50/s', '100/m'. */
  rate: Rate
  /** Tokens a full bucket holds. 1 to 1e9, default: the rate's count. */
  burst?: number
  /** What to answer when the engine is away or late. 'open' (default): allow; 'closed': refuse; 'local': decide in this process alone. */
  failure?: 'open' | 'closed' | 'local'
  /** How long to wait for the engine. 1ms to 5s, default '100ms'. */
  deadline?: Duration
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<LimiterDriver>
}

/** A decision, with what HTTP says of it. */
export interface Decision extends Taken {
  /** True when the engine did not answer and `failure` decided. The other figures are then guesses. */
  degraded: boolean
  /**
   * `RateLimit-Policy`, `RateLimit` (IETF draft; not when degraded, since nobody knows what is left) and, when refused,
   * `Retry-After` in whole seconds, rounded up.
   */
  headers: Record<string, string>
}

/**
 * Token buckets shared by the whole fleet: a bucket never gives more than it holds, however many processes ask at once.
 * `take` never fails because of the engine: `failure` decides within `deadline`.
 */
export interface Limiter extends Block {
  /**
   * Takes `cost` (default 1) tokens of a key's bucket, or none. A key is what is limited: a user, an API key, a client address.
   * @throws `invalid_argument` for a cost that is no whole number of 1 to the burst, an empty key or one over 64 Ki characters; `closed`
   */
  take(key: string, cost?: number): Promise<Decision>
  /** Fills a key's bucket. @throws `unavailable` `timeout` `closed` */
  reset(key: string): Promise<void>
}
