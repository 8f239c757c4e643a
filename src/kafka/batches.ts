import type { fetchV13, RecordsBatch } from '@platformatic/kafka'

/** One record as it lies in Kafka. */
export interface KafkaEntry {
  offset: number
  key: Buffer | null
  value: Buffer | null
  headers: [Buffer | null, Buffer | null][]
  timestamp: number
}

/** What a fetch found in one partition, and where to go on. */
export interface Page {
  records: KafkaEntry[]
  next: number
}

type Fetched = fetchV13.FetchResponsePartition

const isTransactional = 0x10
const isControl = 0x20
const hasBrokerTime = 0x08

/**
 * The committed records of a fetched partition from an offset on. Kafka sends whole batches, those of transactions that were
 * aborted as well; it says which by producer and first offset, and a control batch ends each. (The client's own stream takes
 * them for committed when one producer has aborted twice, or when the end of a transaction lies in a later fetch.)
 */
export function pageOf({ records: batches, abortedTransactions }: Fetched, from: number): Page {
  const starts = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborted = new Set<bigint>()
  const page: Page = { records: [], next: from }
  for (const batch of batches ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (starts[0] && starts[0].firstOffset <= last) aborted.add(starts.shift()!.producerId)
    if (batch.attributes & isControl) endTransaction(batch, aborted)
    else if (!(batch.attributes & isTransactional && aborted.has(batch.producerId))) take(batch, from, page.records)
    page.next = Math.max(page.next, Number(last) + 1)
  }
  return page
}

/** A control record's key: version (int16), type (int16; 0 aborts, 1 commits). */
function endTransaction(batch: RecordsBatch, aborted: Set<bigint>): void {
  if (batch.records[0]?.key?.readInt16BE(2) === 0) aborted.delete(batch.producerId)
}

function take(batch: RecordsBatch, from: number, into: KafkaEntry[]): void {
  const base = Number(batch.firstOffset)
  const first = Number(batch.firstTimestamp)
  const brokerTime = batch.attributes & hasBrokerTime ? Number(batch.maxTimestamp) : undefined
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = base + offsetDelta
    if (offset < from) continue
    into.push({ offset, key, value, headers, timestamp: brokerTime ?? first + Number(timestampDelta) })
  }
}

/** Bytes on the disk and offsets of the batches that were fetched. */
export function measure(batches: readonly RecordsBatch[]): { bytes: number; offsets: number } {
  let [bytes, offsets] = [0, 0]
  for (const { length, lastOffsetDelta } of batches) {
    bytes += length + 12 // its base offset and its length
    offsets += lastOffsetDelta + 1
  }
  return { bytes, offsets }
}
