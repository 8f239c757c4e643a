import type { Suite } from '../../conformance.ts'
import type { Bucket } from './bucket.ts'
import type { BucketDriver } from './driver.ts'
import { bodyCases } from './conformance/bodies.ts'
import { linkCases } from './conformance/links.ts'
import { listCases } from './conformance/lists.ts'
import { objectCases } from './conformance/objects.ts'
import { partCases } from './conformance/parts.ts'

/** What the suite needs of an engine. Everything of one harness is about one bucket, empty at the start. */
export interface BucketHarness {
  /** Opens a handle of its own, as another process would. `idleMs`: how long its bodies may stand still. */
  open(options?: { maxBytes?: number; idleMs?: number }): Promise<Bucket>
  /** A driver of its own, below the portable type. */
  driver(): Promise<BucketDriver>
  /** Does what a client would do with a signed URL. */
  fetch(url: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>
}

/**
 * What every bucket promises, on every engine. Capabilities: `serves` (the driver answers its links itself) and
 * `limits` (a link's `maxBytes` is enforced).
 */
export const bucketSuite: Suite<BucketHarness> = {
  block: 'bucket',
  cases: [...objectCases, ...bodyCases, ...listCases, ...partCases, ...linkCases],
}
