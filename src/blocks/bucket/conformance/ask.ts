import assert from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { isAshlarError, type Code } from '../../../errors.ts'
import type { Bucket } from '../bucket.ts'
import type { BucketDriver } from '../driver.ts'

/** What the suite needs of an engine. Everything of one harness is about one bucket, empty at the start. */
export interface BucketHarness {
  /** Opens a handle of its own, as another process would. `idleMs`: how long its bodies may stand still. */
  open(options?: { maxBytes?: number; idleMs?: number }): Promise<Bucket>
  /** A driver of its own, below the portable type. */
  driver(): Promise<BucketDriver>
  /** Does what a client would do with a signed URL. */
  fetch(url: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>
}

export type BucketCase = Case<BucketHarness>

/** A case that needs one open bucket. */
export function withBucket(
  name: string,
  run: (bucket: Bucket, harness: BucketHarness) => Promise<void>,
  needs?: string,
): BucketCase {
  return {
    name,
    ...(needs === undefined ? {} : { needs }),
    async run(harness) {
      await using bucket = await harness.open()
      await run(bucket, harness)
    },
  }
}

/** Fails unless it is refused with this code. @returns the error */
export async function refused(code: Code, work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(
    isAshlarError(error, code),
    `expected ${code}, got ${error instanceof Error ? `${error.name}: ${error.message}` : 'success'}`,
  )
  return error
}

export async function textOf(bucket: Bucket, key: string, range?: string): Promise<string | undefined> {
  const found = await bucket.get(key, range === undefined ? {} : { range })
  return found?.text()
}

/** Every key, by pages of `limit`. Fails rather than turn for ever. */
export async function allKeys(bucket: Bucket, limit = 1000, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  let after: string | undefined
  for (let pages = 0; pages < 1000; pages++) {
    const page = await bucket.list({ prefix, limit, ...(after === undefined ? {} : { after }) })
    keys.push(...page.objects.map(({ key }) => key))
    if (page.next === undefined) return keys
    after = page.next
  }
  throw new Error('the listing does not end')
}

/** Bytes that differ at every place, so that a mix of two versions shows. */
export function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4)
    bytes.writeUInt32LE((at * 2654435761 + seed * 40503) >>> 0, Math.min(at, size - 4))
  return bytes
}
