import type { Suite } from '../../conformance.ts'
import { deadLetterCases, deliveryCases } from './conformance/delivery.ts'
import { engineCases } from './conformance/engine.ts'
import type { QueueHarness } from './conformance/harness.ts'
import { jobCases } from './conformance/jobs.ts'
import { portableCases } from './conformance/portable.ts'
import { scheduleCases } from './conformance/schedules.ts'
import { sendingCases } from './conformance/sending.ts'

export type { QueueHarness }

/** All that a queue promises, driver and portable type: run it with `conforms` or `verify`. */
export const queueSuite: Suite<QueueHarness> = {
  block: 'queue',
  cases: [
    ...deliveryCases,
    ...deadLetterCases,
    ...sendingCases,
    ...engineCases,
    ...jobCases,
    ...scheduleCases,
    ...portableCases,
  ],
}
