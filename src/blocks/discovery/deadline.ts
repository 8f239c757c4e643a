import { AshlarError, isAshlarError } from '../../errors.ts'

/** Waits so long and no longer; what comes later is dropped. @throws `timeout` */
export async function within<T>(work: Promise<T>, limitMs: number, doing: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AshlarError('timeout', `${doing} took longer than ${limitMs} ms`)), limitMs)
  })
  work.catch(() => undefined)
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

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
