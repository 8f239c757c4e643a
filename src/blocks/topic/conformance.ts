import type { Suite } from '../../conformance.ts'
import { driverCases } from './conformance/driver.ts'
import type { TopicHarness } from './conformance/harness.ts'
import { keepCases } from './conformance/keep.ts'
import { portableCases } from './conformance/portable.ts'

export type { TopicHarness }

/** All that a topic promises, driver and portable type: run it with `conforms` or `verify`. */
export const topicSuite: Suite<TopicHarness> = {
  block: 'topic',
  cases: [...driverCases, ...keepCases, ...portableCases],
}
