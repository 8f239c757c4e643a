import { Redis } from 'ioredis'
import { callers } from '../contest.ts'
import { body } from '../queue/contestant.ts'
import { subscriptions, type FanOut } from './contestant.ts'

type Entries = [key: string, entries: [id: string, fields: string[]][]][] | null

/** Redis Streams: one stream, a consumer group for each subscription on a connection of its own. */
export async function redisFanOut(url: string): Promise<FanOut> {
  const redis = new Redis(url, { enableAutoPipelining: true })
  const readers = subscriptions.map(() => new Redis(url))
  const key = `bench:${crypto.randomUUID()}`
  const text = JSON.stringify(body)
  for (const name of subscriptions) await redis.xgroup('CREATE', key, name, '$', 'MKSTREAM')
  const read = async (reader: Redis, group: string, count: number) => {
    for (let done = 0; done < count;) {
      const found = await reader.xreadgroup('GROUP', group, 'c', 'COUNT', 256, 'BLOCK', 1000, 'STREAMS', key, '>')
      const entries = (found as Entries)?.[0]![1] ?? []
      for (const [, fields] of entries) JSON.parse(fields[1]!)
      if (entries.length > 0) await reader.xack(key, group, ...entries.map(([id]) => id))
      done += entries.length
    }
  }
  return {
    name: 'redis streams',
    async fanOut(count) {
      const reading = subscriptions.map((name, n) => read(readers[n]!, name, count))
      await callers(count, 256, () => redis.xadd(key, '*', 'v', text))
      await Promise.all(reading)
    },
    async [Symbol.asyncDispose]() {
      await redis.del(key)
      for (const each of [redis, ...readers]) each.disconnect()
    },
  }
}
