import { isAshlarError } from '../../errors.ts'

/** Tries again, after 0.1 s and 0.4 s, what may succeed later. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (const waitMs of [100, 400]) {
    try {
      return await work()
    } catch (error) {
      if (!isAshlarError(error) || !error.retryable) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  return work()
}
