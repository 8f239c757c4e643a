import autocannon from 'autocannon'
import { never, type Row } from './report.ts'
import { kill, type Shutter } from './shutter.ts'
import { until } from './until.ts'

/** Below what one address may ask of the API (50/s): a 429 would be no failure of ours. */
const apiRate = 40

/** Requests that fail while an app instance is killed twice. */
export async function killInstances(shutter: Shutter, seconds: number): Promise<Row[]> {
  const common = { duration: seconds, timeout: 10 }
  const pages = autocannon({ ...common, url: `${shutter.edge}/`, connections: 16 })
  const api = autocannon({ ...common, url: `${shutter.edge}/api/photos`, connections: 4, overallRate: apiRate })
  const killed = await killTwice(shutter)
  const [home, photos] = await Promise.all([pages, api])
  console.log(
    `killed ${killed.join(', ')} under ${Math.round(home.requests.average + photos.requests.average)} requests a second`,
  )
  for (const [path, { latency }] of [
    ['/', home],
    ['/api/photos', photos],
  ] as const)
    console.log(`  ${path.padEnd(12)} p50 ${latency.p50} ms, p99 ${latency.p99} ms, longest ${latency.max} ms`)
  return [
    never('GET / failed, an instance killed twice', failures(home), home.requests.total),
    never('GET /api/photos failed, an instance killed twice', failures(photos), photos.requests.total),
  ]
}

function failures({ errors, timeouts, non2xx }: { errors: number; timeouts: number; non2xx: number }): number {
  return errors + timeouts + non2xx
}

/** web-1, then the other once the first is back. */
async function killTwice(shutter: Shutter): Promise<string[]> {
  for (const id of ['web-1', 'web-2']) {
    const pid = await until(`both instances`, 60_000, () => readyPid(shutter, id))
    kill(pid)
    await until(`${id} to be gone`, 10_000, async () => (await readyPid(shutter, id)) !== pid)
  }
  return ['web-1', 'web-2']
}

async function readyPid(shutter: Shutter, id: string): Promise<number | undefined> {
  const { processes } = await shutter.status()
  const apps = processes.filter(({ role }) => role === 'app')
  if (apps.length < 2 || apps.some(({ healthy }) => !healthy)) return undefined
  return apps.find((each) => each.id === id)?.pid
}
