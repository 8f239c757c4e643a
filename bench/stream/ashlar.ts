import { stream } from '../../src/blocks/stream/index.ts'
import { callers } from '../contest.ts'
import { body, countdown } from '../queue/contestant.ts'
import { batch, type LogContestant } from './contestant.ts'

const partitions = 8

export async function ashlar(url: string): Promise<LogContestant> {
  const log = await stream<object>('bench', { url, partitions })
  let groups = 0
  return {
    name: 'ashlar',
    appendSingles: (count, at) => callers(count, at, () => log.append(body)),
    appendBatches: (batches) => callers(batches, partitions, () => log.appendMany(batch)),
    async consume(count) {
      const { hit, done } = countdown(count)
      const consumer = await log.consume(`group${groups++}`, (entries) => hit(entries.length), { batch: 1000 })
      await done
      await consumer.close()
    },
    [Symbol.asyncDispose]: () => log.close(),
  }
}
