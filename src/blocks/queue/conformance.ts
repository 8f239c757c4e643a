import type { Suite } from '../../conformance.ts'
import { blockCases } from './conformance-block.ts'
import { driverCases } from './conformance-driver.ts'
import type { QueueHarness } from './conformance-harness.ts'

export type { QueueHarness }

/** All that a queue promises, driver and portable type: run it with `conforms` or `verify`. */
export const queueSuite: Suite<QueueHarness> = { block: 'queue', cases: [...driverCases, ...blockCases] }
