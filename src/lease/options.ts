import { invalid } from '../errors.ts'
import { toCount, toMs, type Duration } from '../units.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** The options of queue and topic that say how messages are lent and tried again; each block's own type documents them. */
export interface RetryOptions {
  attempts?: number
  visibility?: Duration
  backoff?: Duration
  maxBackoff?: Duration
}

/** How messages are lent and tried again, in base units. @throws `invalid_argument` */
export function readRetryOptions(options: RetryOptions) {
  const read = {
    attempts: toCount('attempts', options.attempts ?? 5, { min: 1, max: 1000 }),
    leaseMs: toMs('visibility', options.visibility ?? '30s', { min: 1000, max: 12 * hourMs }),
    backoffMs: toMs('backoff', options.backoff ?? '1s', { min: 1, max: dayMs }),
    maxBackoffMs: toMs('maxBackoff', options.maxBackoff ?? Math.max(hourMs, toMs('backoff', options.backoff ?? 0)), {
      min: 1,
      max: 30 * dayMs,
    }),
  }
  if (read.maxBackoffMs < read.backoffMs)
    throw invalid(
      `maxBackoff: ${read.maxBackoffMs} ms is less than backoff, ${read.backoffMs} ms; make it at least as long`,
    )
  return read
}

/** The same for consumers. */
export interface ConsumerOptions {
  concurrency?: number
  drain?: Duration
}

/** @throws `invalid_argument` */
export function readConsumerOptions(options: ConsumerOptions) {
  return {
    concurrency: toCount('concurrency', options.concurrency ?? 10, { min: 1, max: 1000 }),
    drainMs: toMs('drain', options.drain ?? '10s', { max: hourMs }),
  }
}
