import { withinMs } from '../../deadline.ts'
import { isAshlarError } from '../../errors.ts'

const attempts = 3
const pauseMs = 50

/**
 * Tries again, up to three times in all and within the limit, what failed because the engine was away. For work that may be
 * done twice. @throws `timeout` at the limit, else what the last attempt threw
 */
export function retried<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let late = false
  const tried = tryAll(work, () => late)
  return withinMs(tried, limitMs).finally(() => (late = true))
}

async function tryAll<T>(work: () => Promise<T>, isLate: () => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === attempts || isLate() || !isAshlarError(error, 'unavailable')) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs * 4 ** (attempt - 1) * (0.5 + Math.random())))
    }
  }
}
