import { measure } from './batches.ts'
import { fetchFrom } from './fetch.ts'
import type { Topic } from './topic.ts'

const samples = 8
const sampleBytes = 64 * 1024

/**
 * Where the newest `maxBytes` of a partition begin. Kafka does not tell what a range of offsets takes on the disk, so a few
 * places are looked at: exact for a small log, within the accuracy of such a sample for a large one.
 */
export async function cutBySize(
  topic: Topic,
  { partition, start, end, maxBytes }: { partition: number; start: number; end: number; maxBytes: number },
): Promise<number> {
  if (end <= start) return start
  const link = topic.cluster.at(topic.leaderOf(partition))
  let [bytes, offsets, next] = [0, 0, start]
  for (let sample = 0; sample < samples && next < end; sample++) {
    const offset = Math.max(next, start + Math.floor(((end - start) * sample) / samples))
    const found = await fetchFrom(link, topic, [{ partition, offset, maxBytes: sampleBytes }], 0)
    const batches = found.get(partition)?.records ?? []
    const last = batches.at(-1)
    if (!last) break
    next = Number(last.firstOffset) + last.lastOffsetDelta + 1
    const measured = measure(batches)
    bytes += measured.bytes
    offsets += measured.offsets
  }
  if (offsets === 0) return start
  const kept = Math.floor((maxBytes * offsets) / bytes)
  return Math.max(start, end - kept)
}
