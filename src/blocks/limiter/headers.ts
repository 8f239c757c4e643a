import type { Bucket, Taken } from './driver.ts'

/**
 * What HTTP says of a limit (draft-ietf-httpapi-ratelimit-headers): the policy is the whole bucket and the time in which an
 * empty one fills; whole seconds, rounded up, so that who waits so long is not refused for a fraction.
 */
export function policyHeader({ capacity, refillPerMs }: Bucket): string {
  return `"default";q=${Math.floor(capacity)};w=${seconds(capacity / refillPerMs)}`
}

/** @param known false when the engine did not answer: what is left is then not said */
export function headersOf(policy: string, taken: Taken, known: boolean): Record<string, string> {
  return {
    'RateLimit-Policy': policy,
    ...(known ? { RateLimit: `"default";r=${taken.remaining};t=${Math.ceil(taken.resetMs / 1000)}` } : {}),
    ...(taken.allowed ? {} : { 'Retry-After': String(seconds(taken.retryAfterMs)) }),
  }
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
