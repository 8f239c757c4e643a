import { queue } from '../../src/blocks/queue/index.ts'
import { callers } from '../contest.ts'
import { body, countdown, thousand, timed, type Contestant } from './contestant.ts'

export async function ashlar(url: string): Promise<Contestant> {
  const jobs = await queue<object>('bench', { url })
  const ticks = await queue<{ sent: number }>('ticks', { url })
  return {
    name: 'ashlar',
    sendSingles: (count, at) => callers(count, at, () => jobs.send(body)),
    sendBatches: (batches) => callers(batches, 2, () => jobs.sendMany(thousand)),
    async process(count) {
      const { hit, done } = countdown(count)
      const consumer = jobs.work(() => hit(), { concurrency: 256 })
      await done
      await consumer.close()
      const { ready, leased } = await jobs.stats()
      if (ready! + leased! > 0) throw new Error(`${ready} and ${leased} jobs were left`)
    },
    latencies: (count, perSecond) =>
      timed(
        count,
        perSecond,
        (each) => ticks.send(each),
        async (arrived) => {
          const consumer = ticks.work(({ payload }) => arrived(payload))
          return { stop: () => consumer.close() }
        },
      ),
    async [Symbol.asyncDispose]() {
      await jobs.close()
      await ticks.close()
    },
  }
}
