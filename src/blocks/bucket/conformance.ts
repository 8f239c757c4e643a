import type { Suite } from '../../conformance.ts'
import type { BucketHarness } from './conformance/ask.ts'
import { bodyCases } from './conformance/bodies.ts'
import { linkCases } from './conformance/links.ts'
import { listCases } from './conformance/lists.ts'
import { objectCases } from './conformance/objects.ts'
import { partCases } from './conformance/parts.ts'

export type { BucketHarness } from './conformance/ask.ts'

/**
 * What every bucket promises, on every engine. Capabilities: `serves` (the driver answers its links itself) and
 * `limits` (a link's `maxBytes` is enforced).
 */
export const bucketSuite: Suite<BucketHarness> = {
  block: 'bucket',
  cases: [...objectCases, ...bodyCases, ...listCases, ...partCases, ...linkCases],
}
