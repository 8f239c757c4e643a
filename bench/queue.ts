import { Redis } from 'ioredis'
import pg from 'pg'
import { startEngine } from '../test/servers/engines.ts'
import { against, contest, rate } from './contest.ts'
import { withPostgres } from './postgres.ts'
import { ashlar } from './queue/ashlar.ts'
import { bullmq } from './queue/bullmq.ts'
import type { Contestant } from './queue/contestant.ts'
import { graphile } from './queue/graphile.ts'
import { nats } from './queue/nats.ts'
import { pgBoss } from './queue/pg-boss.ts'
import { rabbitmq } from './queue/rabbitmq.ts'
import { median, type BenchOptions, type Row } from './report.ts'

/** The queue on Postgres beside what else people use: durable sends, a no-op handler, each job acknowledged. */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return withPostgres(async (url) => {
    await using redis = await startEngine('redis')
    await using natsServer = await startEngine('nats')
    await using rabbit = await startEngine('rabbitmq')
    const all = [
      await ashlar(url),
      await pgBoss(url),
      await graphile(url),
      await bullmq(redis.url, 'bullmq, no AOF', 'none'),
      await bullmq(redis.url, 'bullmq, AOF always', 'always'),
      await nats(natsServer.url),
      await rabbitmq(rabbit.url),
    ]
    const within = new Setting(redis.url, url)
    try {
      return await rowsOf(all, within, quick)
    } finally {
      await Promise.all(all.map((each) => each[Symbol.asyncDispose]()))
      await within.close()
    }
  })
}

async function rowsOf(all: Contestant[], within: Setting, quick: boolean): Promise<Row[]> {
  const [count, rounds] = quick ? [2_000, 1] : [20_000, 3]
  const of = (run: (each: Contestant) => Promise<number>) =>
    all.map((each) => ({ name: each.name, run: () => within.the(each, () => run(each)) }))
  const empty = async (each: Contestant, sent: number, figure: number) => (await each.process(sent), figure)
  const singles = await contest(
    `single sends, 64 callers, a second`,
    of(async (each) => empty(each, count, await rate(count, () => each.sendSingles(count, 64)))),
    rounds,
  )
  const batches = await contest(
    'sends in batches of 1000, a second',
    of(async (each) => empty(each, count, await rate(count, () => each.sendBatches(count / 1000)))),
    rounds,
  )
  const processed = await contest(
    'jobs processed, a second',
    of(async (each) => {
      await each.sendBatches(count / 1000)
      await within.analyzed()
      return rate(count, () => each.process(count))
    }),
    rounds,
  )
  const paced = all.filter(({ latencies }) => latencies)
  const latency = await contest(
    'one over the median time from send to handler at 80 a second, in 1/s',
    paced.map((each) => ({
      name: each.name,
      run: () => within.the(each, async () => 1000 / median(await each.latencies!(quick ? 80 : 400, 80))),
    })),
    rounds,
  )
  return [
    against('single sends', singles, 'bullmq, no AOF', 2),
    against('single sends', singles, 'bullmq, AOF always', 3),
    against('batches of 1000', batches, 'graphile-worker', 4),
    against('processing', processed, 'graphile-worker', 2),
    against('processing', processed, 'pg-boss', 2),
    against('processing', processed, 'bullmq, no AOF', 4),
    against('processing', processed, 'nats jetstream', 0.8),
    against('send to handler, median', latency, 'bullmq, AOF always', 1.25),
  ]
}

/** What a contestant's server must be set to before its turn. */
class Setting {
  readonly #redis: Redis
  readonly #pool: pg.Pool

  constructor(redisUrl: string, url: string) {
    this.#redis = new Redis(redisUrl)
    this.#pool = new pg.Pool({ connectionString: url, max: 1 })
  }

  async the(each: Contestant, run: () => Promise<number>): Promise<number> {
    const aof = each.name.startsWith('bullmq') ? each.name.includes('always') : undefined
    if (aof !== undefined) {
      await this.#redis.config('SET', 'appendonly', aof ? 'yes' : 'no')
      await this.#redis.config('SET', 'appendfsync', aof ? 'always' : 'no')
    }
    return run()
  }

  /** Without statistics some peers plan badly; ours does not need them. */
  async analyzed(): Promise<void> {
    await this.#pool.query('analyze')
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
    await this.#pool.end()
  }
}
