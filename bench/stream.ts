import { startEngine } from '../test/servers/engines.ts'
import { against, contest, rate } from './contest.ts'
import { withPostgres } from './postgres.ts'
import { everySecond } from './redis.ts'
import { median, type BenchOptions, type Row } from './report.ts'
import { ashlar } from './stream/ashlar.ts'
import type { LogContestant } from './stream/contestant.ts'
import { natsLog } from './stream/nats.ts'
import { redisStreams } from './stream/redis.ts'

/** The stream on Postgres beside Redis Streams (AOF every second) and NATS JetStream (on disk). */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return withPostgres(async (url) => {
    await using redis = await startEngine('redis')
    await using nats = await startEngine('nats')
    await everySecond(redis.url)
    const all = [await ashlar(url), await redisStreams(redis.url), await natsLog(nats.url)]
    try {
      return await rowsOf(all, quick)
    } finally {
      await Promise.all(all.map((each) => each[Symbol.asyncDispose]()))
    }
  })
}

async function rowsOf(all: LogContestant[], quick: boolean): Promise<Row[]> {
  const [count, rounds] = quick ? [5_000, 1] : [30_000, 3]
  const of = (run: (each: LogContestant) => Promise<number>) =>
    all.map((each) => ({ name: each.name, run: () => run(each) }))
  const singles = await contest(
    'single appends, 256 in flight, a second',
    of((each) => rate(count, () => each.appendSingles(count, 256))),
    rounds,
  )
  const many = count * 4
  const batches = await contest(
    'appends in batches of 500, a second',
    of((each) => rate(many, () => each.appendBatches(many / 500))),
    rounds,
  )
  const consumed = await contest(
    'records consumed with commits, a second',
    of((each) => rate(many, () => each.consume(many))),
    rounds,
  )
  const best = ['redis streams', 'nats jetstream'].toSorted(
    (a, b) => median(consumed.get(b)!) - median(consumed.get(a)!),
  )[0]!
  return [
    against('single appends', singles, 'redis streams', 1.2),
    against('single appends', singles, 'nats jetstream', 3),
    against('batches of 500', batches, 'redis streams', 3),
    against('batches of 500', batches, 'nats jetstream', 10),
    against('consuming', consumed, best, 3),
  ]
}
