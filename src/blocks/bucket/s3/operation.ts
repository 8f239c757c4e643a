import type { BucketDriver } from '../driver.ts'
import type { Verified } from './verify.ts'

/** What the endpoint needs of the driver that it serves. */
export type Store = Pick<BucketDriver, 'put' | 'head' | 'get' | 'delete' | 'list' | 'multipart'>

/** One verified request for one operation. */
export interface Call {
  store: Store
  request: Request
  verified: Verified
  bucket: string
  /** '' for the bucket itself. */
  key: string
  maxBytes: number
  secret: string
}

export interface Operation {
  method: string
  of: 'object' | 'bucket'
  /** Query parameters that select it. */
  marks: readonly string[]
  /** Further query parameters that it understands; any other is refused. */
  allows: readonly string[]
  run(call: Call): Promise<Response>
}
