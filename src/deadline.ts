import { AshlarError } from './errors.ts'

/**
 * The promise's outcome, or what `late` answers or throws when there is none after so long. The work itself goes on; its late
 * outcome is dropped. One that came while this process was busy still counts: the limit is looked at after what has arrived.
 */
export async function orAfter<T, L>(work: Promise<T>, limitMs: number, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve), limitMs)
  })
  return Promise.race([work, limit.then(late)]).finally(() => clearTimeout(timer))
}

/**
 * The promise's outcome, or `timeout` after so long.
 * @param complaint the error's message. Default: that the engine did not answer
 * @throws `timeout`, else what the work throws
 */
export function withinMs<T>(
  work: Promise<T>,
  limitMs: number,
  complaint = `the engine did not answer within ${limitMs} ms`,
): Promise<T> {
  return orAfter(work, limitMs, () => {
    throw new AshlarError('timeout', complaint)
  })
}

/** Waits for work at most so long, and does not care how it ended. Answers whether it ended in time. */
export function settledWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  )
  return orAfter(ended, limitMs, () => false)
}
