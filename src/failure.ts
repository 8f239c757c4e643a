import { clipped } from './errors.ts'

/** One failed attempt of a message. */
export interface Failure {
  attempt: number
  at: Date
  error: string
}

const maxHistory = 10
const maxErrorLength = 500
/** The error of an attempt whose lease nobody ended. */
export const leaseEnded = 'the lease ended: the worker died, or was too late'

/** The newest 10 failures, oldest first; 500 characters of each error. */
export function withFailure(history: readonly Failure[], { attempt, at, error }: Failure): Failure[] {
  const short = clipped(error, maxErrorLength)
  return [...history, { attempt, at, error: short }].slice(-maxHistory)
}
