import { driverCases } from './conformance/driver.ts'
import { groupCases } from './conformance/groups.ts'
import type { StreamHarness } from './conformance/harness.ts'
import { portableCases } from './conformance/portable.ts'
import { consumerCases } from './conformance/consumers.ts'
import type { Suite } from '../../conformance.ts'

export type { StreamHarness } from './conformance/harness.ts'

/** Every promise of a stream: the driver's, and the portable type's over it. */
export const streamSuite: Suite<StreamHarness> = {
  block: 'stream',
  cases: [...driverCases, ...groupCases, ...portableCases, ...consumerCases],
}
