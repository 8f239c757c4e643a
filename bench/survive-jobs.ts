import { Client, drawJpeg } from './client.ts'
import { ask } from './records.ts'
import { never, type Row } from './report.ts'
import { kill, type Shutter } from './shutter.ts'
import { until } from './until.ts'

// A killed worker's lease of 30 s must end, and the machine may be busy.
const finishMs = 240_000

interface State {
  id: string
  state: string
  version: number
}

const statesText = 'select id, state, version::int as version from photos where id = any($1::uuid[])'

/** Uploads photos and kills the worker among their jobs. `end` waits for all of them and counts. */
export async function beginJobs(shutter: Shutter, count: number): Promise<{ end(now: Shutter): Promise<Row[]> }> {
  const author = new Client(shutter.edge, 1)
  await author.signUp()
  const ids: string[] = []
  for (let each = 0; each < count; each++) ids.push(await author.upload(`Job ${each}`, await drawJpeg(1600, each)))
  const finished = await killInTheMiddle(shutter, ids)
  author.close()
  console.log(`worker killed with a job under way; ${finished} of ${count} were done by then`)
  return { end: (now) => counted(now, ids, `${author.name}@bench.example`) }
}

async function killInTheMiddle(shutter: Shutter, ids: string[]): Promise<number> {
  await until(
    'a job to be under way',
    60_000,
    async () => {
      const { blocks } = await shutter.state()
      return (blocks.find(({ name }) => name === 'resize')?.stats.leased ?? 0) > 0
    },
    10,
  )
  const { processes } = await shutter.status()
  kill(processes.find(({ role }) => role === 'worker')!.pid)
  const states = await ask<State>(shutter.folder, statesText, [ids])
  return states.filter(({ state }) => state !== 'preparing').length
}

async function counted(shutter: Shutter, ids: string[], address: string): Promise<Row[]> {
  const began = performance.now()
  const done = async () =>
    (await ask<State>(shutter.folder, statesText, [ids])).filter(({ state }) => state === 'ready')
  await until('all jobs to be done', finishMs, async () => (await done()).length === ids.length, 500).catch(
    () => undefined,
  )
  const states = await done()
  console.log(`all jobs: waited another ${((performance.now() - began) / 1000).toFixed(0)} s`)
  // Published is version 1, the sizes are 2; a third would be a second resize that took effect.
  const twice = states.filter(({ version }) => version > 2).length
  return [
    never('jobs not finished, worker killed', ids.length - states.length, ids.length),
    never('jobs that took effect twice', twice, ids.length),
    never('letters of one event too many or missing', Math.abs((await letters(shutter, address)) - 1), 1),
  ]
}

/** Letters about the first photo. */
async function letters(shutter: Shutter, address: string): Promise<number> {
  const { addresses } = await shutter.status()
  const mails = (await (await fetch(`${addresses.mailbox}/mails.json`)).json()) as { to: string; subject: string }[]
  return mails.filter(({ to, subject }) => to === address && subject.includes('is on Shutter')).length
}
