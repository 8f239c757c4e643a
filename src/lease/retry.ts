import { setTimeout as sleep } from 'node:timers/promises'

/** Thrown by a handler when no further attempt can help: the message becomes a dead letter at once. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp'
}

export interface Backoff {
  backoffMs: number
  maxBackoffMs: number
}

/**
 * The wait after failed attempt 1, 2, 3 …: doubles from `backoffMs`, never above `maxBackoffMs`, and a random quarter
 * of it is taken off, so that what failed together does not come back together.
 */
export function retryDelayMs(attempt: number, { backoffMs, maxBackoffMs }: Backoff, random = Math.random): number {
  const full = Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1))
  return Math.round(full * (1 - random() / 4))
}

/** A pause that ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch(() => undefined)
}
