import { Redis } from 'ioredis'
import { callers } from '../contest.ts'
import { body } from '../queue/contestant.ts'
import type { LogContestant } from './contestant.ts'

type Entries = [key: string, entries: [id: string, fields: string[]][]][]

/** Redis Streams: XADD, XREADGROUP and XACK over one connection that pipelines by itself. */
export async function redisStreams(url: string): Promise<LogContestant> {
  const redis = new Redis(url, { enableAutoPipelining: true })
  const key = `bench:${crypto.randomUUID()}`
  const text = JSON.stringify(body)
  let groups = 0
  return {
    name: 'redis streams',
    appendSingles: (count, at) => callers(count, at, () => redis.xadd(key, '*', 'v', text)),
    appendBatches: (batches) =>
      callers(batches, 8, () => {
        const pipeline = redis.pipeline()
        for (let n = 0; n < 500; n++) pipeline.xadd(key, '*', 'v', text)
        return pipeline.exec()
      }),
    async consume(count) {
      const group = `group${groups++}`
      await redis.xgroup('CREATE', key, group, '0')
      for (let done = 0; done < count;) {
        const found = (await redis.xreadgroup('GROUP', group, 'c', 'COUNT', 1000, 'STREAMS', key, '>')) as Entries
        const entries = found[0]![1]
        for (const [, fields] of entries) JSON.parse(fields[1]!)
        await redis.xack(key, group, ...entries.map(([id]) => id))
        done += entries.length
      }
    },
    async [Symbol.asyncDispose]() {
      await redis.del(key)
      redis.disconnect()
    },
  }
}
