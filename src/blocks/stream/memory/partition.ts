import type { Appending, StoredRecord } from '../driver.ts'

type Kept = StoredRecord & { offset: number }

/** The records of one partition, oldest first. */
export class Partition {
  records: Kept[] = []
  start = 0
  end = 0
  newest = 0
  #waiting = new Set<() => void>()

  append({ key, value, headers }: Appending): number {
    this.newest = Math.max(Date.now(), this.newest)
    this.records.push({ offset: this.end, key, value, headers: { ...headers }, timestamp: this.newest })
    return this.end++
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Index of the first record at or after an offset: offsets grow, but compaction leaves gaps. */
  indexOf(offset: number): number {
    let [low, high] = [0, this.records.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.records[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  read(offset: number, maxRecords: number, maxBytes: number): Kept[] {
    const from = this.indexOf(offset)
    const found: Kept[] = []
    let bytes = 0
    for (const record of this.records.slice(from, from + maxRecords)) {
      bytes += sizeOf(record)
      if (found.length > 0 && bytes > maxBytes) break
      found.push({ ...record, headers: { ...record.headers } })
    }
    return found
  }

  async wait(ms: number, signals: AbortSignal[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const timer = setTimeout(resolve, ms)
    const aborted = AbortSignal.any(signals)
    aborted.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
  }

  /** Keeps what the test says is to be kept. Answers what was dropped. */
  keep(isKept: (record: Kept, index: number) => boolean): Kept[] {
    const dropped = this.records.filter((record, index) => !isKept(record, index))
    if (dropped.length === 0) return dropped
    const gone = new Set(dropped)
    this.records = this.records.filter((record) => !gone.has(record))
    this.start = this.records[0]?.offset ?? this.end
    return dropped
  }
}

/** What a record counts for in memory. */
export function sizeOf({ key, value, headers }: Omit<StoredRecord, 'offset'>): number {
  return 64 + (key?.length ?? 0) + (value?.length ?? 0) + JSON.stringify(headers).length
}

/** Of each key the newest record stays; a tombstone only until it is old. */
export function dropSuperseded(partition: Partition, oldest: number): Kept[] {
  const newest = new Map<string, number>()
  for (const { key, offset } of partition.records) if (key) newest.set(textOf(key), offset)
  return partition.keep(({ key, value, offset, timestamp }) => {
    if (timestamp >= oldest || key === null) return true
    return newest.get(textOf(key)) === offset && value !== null
  })
}

/** The oldest go until what is left is small enough. */
export function dropBeyond(partition: Partition, maxBytes: number | undefined): Kept[] {
  if (maxBytes === undefined) return []
  let bytes = partition.records.reduce((sum, record) => sum + sizeOf(record), 0)
  return partition.keep((record) => {
    const isKept = bytes <= maxBytes
    bytes -= isKept ? 0 : sizeOf(record)
    return isKept
  })
}

const textOf = (key: Uint8Array) => Buffer.from(key).toString('latin1')
