import type { ObjectInfo, Putting } from './driver.ts'
import { BucketFault } from './fault.ts'

export type Condition = Pick<Putting, 'ifNoneMatch' | 'ifMatch'>

/** Refuses a put whose condition does not hold for what is there. Call it in the step that also writes. */
export function meet({ ifNoneMatch, ifMatch }: Condition, there: ObjectInfo | undefined): void {
  if (ifNoneMatch === '*' && there) throw new BucketFault('exists', 'there is an object under this key already')
  if (ifMatch === undefined) return
  if (!there) throw new BucketFault('missing', `there is no object under this key, and ${ifMatch} was to be replaced`)
  if (there.etag !== ifMatch)
    throw new BucketFault('changed', `the object was changed: it is ${there.etag} now, not ${ifMatch}`)
}
