import { callers } from '../contest.ts'
import { peer } from '../peers.ts'
import { body, countdown, thousand, timed, type Contestant } from './contestant.ts'

interface Module {
  Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: object): Promise<unknown>
    addBulk(jobs: { name: string; data: object }[]): Promise<unknown>
    close(): Promise<void>
  }
  Worker: new (
    name: string,
    handler: (job: { data: { sent: number } }) => Promise<void>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown>; close(): Promise<void> }
}

/** @param prefix of its keys: several may share a server */
export async function bullmq(url: string, name: string, prefix: string): Promise<Contestant> {
  const { Queue, Worker } = await peer<Module>('bullmq')
  const { hostname: host, port } = new URL(url)
  const options = { connection: { host, port: Number(port), maxRetriesPerRequest: null }, prefix }
  const kept = { ...options, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } }
  const queue = new Queue('bench', kept)
  const ticks = new Queue('ticks', kept)
  const jobs = thousand.map((data) => ({ name: 'bench', data }))
  return {
    name,
    sendSingles: (count, at) => callers(count, at, () => queue.add('bench', body)),
    sendBatches: (batches) => callers(batches, 2, () => queue.addBulk(jobs)),
    async process(count) {
      const { hit, done } = countdown(count)
      const worker = new Worker('bench', async () => hit(), { ...options, concurrency: 64 })
      await done
      await worker.close()
    },
    latencies: (count, perSecond) =>
      timed(
        count,
        perSecond,
        (each) => ticks.add('tick', each),
        async (arrived) => {
          const worker = new Worker('ticks', async ({ data }) => arrived(data), { ...options, concurrency: 10 })
          await worker.waitUntilReady()
          return { stop: () => worker.close() }
        },
      ),
    async [Symbol.asyncDispose]() {
      await queue.close()
      await ticks.close()
    },
  }
}
