import type { Target } from './target.ts'

const names = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
] as const

/** As many as SQS has counted; it is up to a minute behind. */
export async function countsOf({ sqs, calls, url }: Target) {
  const of = { QueueUrl: url, AttributeNames: [...names] }
  const { Attributes } = await calls.run((options) => sqs.getQueueAttributes(of, options))
  const [ready, delayed, leased] = names.map((name) => Number(Attributes?.[name] ?? 0))
  return { ready: ready!, delayed: delayed!, leased: leased! }
}
