import { createHash } from 'node:crypto'
import type { Part } from './driver.ts'
import { BucketFault } from './fault.ts'

/** What S3 allows for uploads in parts; the same everywhere, so that a bucket can move there. */
export const partLimits = { minBytes: 5 * 1024 ** 2, maxNumber: 10_000 } as const

/** Picks the parts that were named, in order. @throws BucketFault `bad_part` `part_order` `small_part` `too_large` */
export function choose<Stored extends Part>(
  stored: readonly Stored[],
  named: readonly Part[],
  maxBytes: number,
): Stored[] {
  if (named.length === 0)
    throw new BucketFault('bad_part', 'an upload is finished with one part or more; none was named')
  const byNumber = new Map(stored.map((part) => [part.number, part]))
  const chosen = named.map((part, at) => {
    if (at > 0 && part.number <= named[at - 1]!.number)
      throw new BucketFault(
        'part_order',
        `part ${part.number} is named after part ${named[at - 1]!.number}; name them in order`,
      )
    const found = byNumber.get(part.number)
    if (found?.etag === part.etag) return found
    throw new BucketFault('bad_part', `part ${part.number} with etag ${part.etag} was not uploaded`)
  })
  checkSizes(chosen, maxBytes)
  return chosen
}

function checkSizes(chosen: readonly Part[], maxBytes: number): void {
  const small = chosen.slice(0, -1).find((part) => part.size < partLimits.minBytes)
  if (small)
    throw new BucketFault(
      'small_part',
      `part ${small.number} has ${small.size} bytes; all but the last have ${partLimits.minBytes} or more`,
    )
  if (sizeOf(chosen) > maxBytes)
    throw new BucketFault('too_large', `the parts have ${sizeOf(chosen)} bytes together; allowed are ${maxBytes}`)
}

export function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.size, 0)
}

/** The etag of an object made of parts, as S3 has it: the MD5 of the parts' MD5s, and their count. */
export function etagOf(parts: readonly Part[]): string {
  const md5 = createHash('md5')
  for (const { etag } of parts) md5.update(Buffer.from(etag.replaceAll('"', ''), 'hex'))
  return `"${md5.digest('hex')}-${parts.length}"`
}
