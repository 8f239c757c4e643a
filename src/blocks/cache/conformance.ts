import type { Suite } from '../../conformance.ts'
import { driverCases } from './conformance/driver.ts'
import type { CacheHarness } from './conformance/harness.ts'
import { loadingCases } from './conformance/loading.ts'
import { lockCases } from './conformance/locks.ts'
import { nearCases } from './conformance/near.ts'

export type { CacheHarness }

/** What `cache` promises, whatever stands behind it. */
export const cacheSuite: Suite<CacheHarness> = {
  block: 'cache',
  cases: [...driverCases, ...lockCases, ...loadingCases, ...nearCases],
}
