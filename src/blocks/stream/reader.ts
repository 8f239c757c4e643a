import { after, type Offset, type StoredRecord, type StreamDriver } from './driver.ts'

interface ReaderSetup {
  partitions: number[]
  /** Where to begin, by partition number. */
  from: readonly Offset[]
  /** Where to end, by partition number; `undefined`: never. */
  until: readonly Offset[] | undefined
  signal: AbortSignal
  read: StreamDriver['read']
}

const page = { maxRecords: 500, maxBytes: 1024 ** 2 }
const waitMs = 20_000

/** Pages of records of several partitions, in turn; each partition in its own order. */
export async function* pagesOf(setup: ReaderSetup): AsyncGenerator<{ partition: number; records: StoredRecord[] }> {
  const { signal, until } = setup
  const next = new Map(setup.partitions.map((partition) => [partition, setup.from[partition]!]))
  while (!signal.aborted && next.size > 0) {
    let isIdle = true
    for (const [partition, offset] of next) {
      if (signal.aborted) return
      const end = until?.[partition] ?? Infinity
      const found = offset < end ? await setup.read(partition, offset, { ...page, waitMs: 0, signal }) : []
      const records = found.filter((record) => record.offset < end)
      if (records.length > 0) {
        isIdle = false
        next.set(partition, after(records.at(-1)!.offset))
        yield { partition, records }
      } else if (until) next.delete(partition)
    }
    if (isIdle && !until) await firstNews(setup, next)
  }
}

/** Waits until some partition has more. What is read to find out is read again afterwards. */
async function firstNews({ read, signal }: ReaderSetup, next: ReadonlyMap<number, Offset>): Promise<void> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const reads = [...next].map(([partition, offset]) =>
    read(partition, offset, { maxRecords: 1, maxBytes: 1, waitMs, signal: either }),
  )
  try {
    await Promise.race(reads)
  } finally {
    stop.abort()
    await Promise.allSettled(reads)
  }
}
