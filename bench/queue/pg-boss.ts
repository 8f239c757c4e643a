import { callers } from '../contest.ts'
import { peer } from '../peers.ts'
import { body, thousand, type Contestant } from './contestant.ts'

interface Boss {
  on(event: 'error', listener: (error: unknown) => void): void
  start(): Promise<unknown>
  stop(options: { graceful: boolean }): Promise<void>
  createQueue(name: string): Promise<void>
  send(name: string, data: object): Promise<unknown>
  insert(name: string, jobs: { data: object }[]): Promise<unknown>
  fetch(name: string, options: { batchSize: number }): Promise<{ id: string }[]>
  complete(name: string, ids: string[]): Promise<unknown>
}

/** Fetches 500 at a time and completes them together: the fastest of its ways. */
export async function pgBoss(url: string): Promise<Contestant> {
  const { PgBoss } = await peer<{ PgBoss: new (options: { connectionString: string; max: number }) => Boss }>('pg-boss')
  const boss = new PgBoss({ connectionString: url, max: 10 })
  boss.on('error', (error) => console.error('pg-boss:', error))
  await boss.start()
  await boss.createQueue('bench')
  const jobs = thousand.map((data) => ({ data }))
  return {
    name: 'pg-boss',
    sendSingles: (count, at) => callers(count, at, () => boss.send('bench', body)),
    sendBatches: (batches) => callers(batches, 2, () => boss.insert('bench', jobs)),
    async process(count) {
      for (let done = 0; done < count;) {
        const fetched = await boss.fetch('bench', { batchSize: 500 })
        await boss.complete(
          'bench',
          fetched.map(({ id }) => id),
        )
        done += fetched.length
      }
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false }),
  }
}
