import { startEngine } from '../test/servers/engines.ts'
import { against, contest, rate } from './contest.ts'
import { withPostgres } from './postgres.ts'
import { everySecond } from './redis.ts'
import type { BenchOptions, Row } from './report.ts'
import { ashlar } from './topic/ashlar.ts'
import { natsFanOut } from './topic/nats.ts'
import { rabbitFanOut } from './topic/rabbitmq.ts'
import { redisFanOut } from './topic/redis.ts'

/** The topic on Postgres, to three durable subscriptions, beside Redis Streams (AOF every second), NATS and RabbitMQ. */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return withPostgres(async (url) => {
    await using redis = await startEngine('redis')
    await using nats = await startEngine('nats')
    await using rabbit = await startEngine('rabbitmq')
    await everySecond(redis.url)
    const all = [
      await ashlar(url),
      await redisFanOut(redis.url),
      await natsFanOut(nats.url),
      await rabbitFanOut(rabbit.url),
    ]
    try {
      const count = quick ? 2_000 : 20_000
      const contenders = all.map(({ name, ...each }) => ({ name, run: () => rate(count, () => each.fanOut(count)) }))
      const figures = await contest('messages to three subscriptions, a second', contenders, quick ? 1 : 3)
      return [
        against('to three subscriptions', figures, 'redis streams', 2.5),
        against('to three subscriptions', figures, 'nats jetstream', 4),
        against('to three subscriptions', figures, 'rabbitmq', 8),
      ]
    } finally {
      await Promise.all(all.map((each) => each[Symbol.asyncDispose]()))
    }
  })
}
