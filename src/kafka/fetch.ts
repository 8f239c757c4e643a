import type { fetchV13 } from '@platformatic/kafka'
import type { Link } from './link.ts'
import type { Topic } from './topic.ts'

export type Fetched = fetchV13.FetchResponsePartition

/** What to fetch of one partition: whole batches, about so many bytes, one batch at least. */
export interface Asked {
  partition: number
  offset: number
  maxBytes: number
}

const readCommitted = 1
const maxAnswerBytes = 32 * 1024 ** 2

/** One fetch of partitions that have the same leader; waits up to `waitMs` for the first byte. */
export async function fetchFrom(
  link: Link,
  topic: Topic,
  asked: readonly Asked[],
  waitMs: number,
): Promise<Map<number, Fetched>> {
  const partitions = asked.map(({ partition, offset, maxBytes }) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    partitionMaxBytes: maxBytes,
  }))
  const { fetchV13: fetch } = topic.cluster.kafka
  const topics = [{ topicId: topic.id, partitions }]
  const { responses } = await link.ask(fetch.api, waitMs, 1, maxAnswerBytes, readCommitted, 0, -1, topics, [], '')
  const found = responses.flatMap((each) => each.partitions)
  return new Map(found.map((each) => [each.partitionIndex, each]))
}
