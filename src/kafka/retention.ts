/** What is kept of a topic, as its configuration says it. */
export interface Keeping {
  ms?: number
  bytesPerPartition?: number
  compact: boolean
}

const minSegmentBytes = 1024 ** 2
const maxSegmentBytes = 1024 ** 3
const minSegmentMs = 60_000
const weekMs = 7 * 86_400_000
const segments = 4

/** Kafka drops whole segments and compacts closed ones only, so these must be a part of what is kept. */
export function configsOf({ ms, bytesPerPartition, compact }: Keeping): Record<string, string> {
  const bytes = bytesPerPartition ?? -1
  const cutting = bytesPerPartition === undefined ? [] : [['segment.bytes', segmentBytes(bytesPerPartition)] as const]
  const policy = compact ? (bytesPerPartition === undefined ? 'compact' : 'compact,delete') : 'delete'
  const timed: Record<string, number> = compact ? compacting(ms ?? 0) : { 'retention.ms': ms ?? -1 }
  const numbers = { ...timed, 'retention.bytes': bytes, ...Object.fromEntries(cutting) }
  const texts = Object.entries(numbers).map(([name, value]) => [name, String(value)])
  return { 'cleanup.policy': policy, ...Object.fromEntries(texts) }
}

function compacting(ms: number): Record<string, number> {
  return {
    'retention.ms': -1,
    'min.compaction.lag.ms': ms,
    'delete.retention.ms': ms,
    'segment.ms': Math.min(weekMs, Math.max(minSegmentMs, Math.trunc(ms / segments))),
  }
}

const segmentBytes = (bytes: number) =>
  Math.min(maxSegmentBytes, Math.max(minSegmentBytes, Math.trunc(bytes / segments)))
