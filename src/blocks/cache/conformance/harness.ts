import { silent } from '../../../block.ts'
import type { Code } from '../../../errors.ts'
import type { Cache, CacheOptions } from '../cache.ts'
import type { CacheDriver, Write } from '../driver.ts'
import { OpenCache } from '../open.ts'
import { settingsOf } from '../settings.ts'

/** What a driver needs for the suite. */
export interface CacheHarness {
  /**
   * One more driver on the same store, which is empty at first, as another process would open it; the harness closes it.
   * @param name of the block; default one and the same
   */
  driver(name?: string): Promise<CacheDriver>
  codeOf(error: unknown): Code | undefined
}

export const minute = 60_000
/** For what is due within 100 ms. */
export const patienceMs = 3_000
export const patient: CacheOptions = { deadline: '5s', near: 0 }

export async function handle(harness: CacheHarness, options: CacheOptions = {}): Promise<Cache<unknown>> {
  return over(harness, await harness.driver(), { ...patient, ...options })
}

/** The portable type over a driver of the harness. */
export function over(harness: CacheHarness, driver: CacheDriver, options: CacheOptions): Promise<Cache<unknown>> {
  const codeOf = (error: unknown) => harness.codeOf(error)
  const settings = settingsOf(options)
  return OpenCache.open({ name: 'feed', driver, scheme: 'tested', codeOf, settings, log: silent })
}

export function write(key: string, value: string, changes: Partial<Write> = {}): Write {
  return { key, value, ttlMs: minute, tags: [], ...changes }
}

export async function values(driver: CacheDriver, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await driver.get(keys)).map((found) => found?.value)
}

/** A loader that counts, and waits for a word if it is told to. */
export function counted<T>(value: T, gate?: Promise<unknown>) {
  const loader = Object.assign(
    async () => {
      loader.calls++
      await gate
      return value
    },
    { calls: 0 },
  )
  return loader
}
