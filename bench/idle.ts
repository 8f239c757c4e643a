import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds, nameOf, pssMegabytes, used } from './processes.ts'
import { atMost, type Row } from './report.ts'
import { Shutter } from './shutter.ts'
import { until } from './until.ts'

const goalMegabytes = 400
const goalPercent = 2
const quietPercent = 5
const quietSeconds = 5
const measuredSeconds = 20

/** Memory and CPU of all its processes once it has come to rest. */
export async function idle(folder: string, quick: boolean): Promise<Row[]> {
  await using shutter = await Shutter.start({ folder })
  await settled(shutter, quick ? 15_000 : 120_000)
  const pids = await shutter.processes()
  const percent = await percentOfCore(shutter, quick ? measuredSeconds / 2 : measuredSeconds)
  const sizes = await Promise.all(
    pids.map(async (pid) => ({ name: await nameOf(pid), megabytes: await pssMegabytes(pid) })),
  )
  for (const { name, megabytes } of sizes.toSorted((a, b) => b.megabytes - a.megabytes))
    console.log(`  ${megabytes.toFixed(1).padStart(6)} MB  ${name}`)
  const total = sizes.reduce((sum, { megabytes }) => sum + megabytes, 0)
  return [
    atMost(`idle, ${pids.length} processes: PSS`, total, goalMegabytes, 'MB'),
    atMost('idle: CPU', percent, goalPercent, '% of a core'),
  ]
}

/** No job is left, and the CPU has been quiet for a while. Says so when that does not come, and goes on. */
async function settled(shutter: Shutter, limitMs: number): Promise<void> {
  try {
    await until('the jobs to be done', limitMs, async () => (await openJobs(shutter)) === 0, 500)
    await until(
      'the CPU to be quiet',
      limitMs,
      async () => (await percentOfCore(shutter, quietSeconds)) < quietPercent,
      0,
    )
  } catch (error) {
    console.log(`not at rest: ${(error as Error).message}`)
  }
}

async function openJobs(shutter: Shutter): Promise<number> {
  const { blocks } = await shutter.state()
  const queues = blocks.filter(({ kind }) => kind === 'queue')
  return queues.reduce((sum, { stats: { ready = 0, leased = 0, delayed = 0 } }) => sum + ready + leased + delayed, 0)
}

async function percentOfCore(shutter: Shutter, seconds: number): Promise<number> {
  const began = performance.now()
  const before = await cpuSeconds(await shutter.processes())
  await sleep(seconds * 1000) // a length of time is what is measured
  const after = await cpuSeconds(await shutter.processes())
  return (used(before, after) / ((performance.now() - began) / 1000)) * 100
}
