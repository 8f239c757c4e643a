import { parseMetrics } from '../src/console/prometheus.ts'
import { Client, drawJpeg } from './client.ts'
import { median, never, type BenchOptions, type Row } from './report.ts'
import { inNewFolder, Shutter } from './shutter.ts'
import { until } from './until.ts'

const lagSeconds = 5

/** Whether authors see their own uploads at once while the replica is 5 s behind, and when others see them. */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return inNewFolder(async (folder) => {
    await using shutter = await Shutter.start({ folder })
    await shutter.status()
    const author = new Client(shutter.edge, 1)
    const other = new Client(shutter.edge, 2)
    await author.signUp()
    const before = await reads(shutter)
    await shutter.act('lag', { member: 'pg1', seconds: lagSeconds })
    const rounds = quick ? 3 : 10
    const results: Round[] = []
    for (let round = 0; round < rounds; round++) results.push(await oneRound(author, other, round))
    const after = await reads(shutter)
    await shutter.act('lag', { member: 'pg1', seconds: 0 })
    tell(results, before, after)
    author.close()
    other.close()
    const primary = [...after].filter(([key]) => key.startsWith('primary')).reduce((sum, [, value]) => sum + value, 0)
    return [
      never(
        `own upload not seen at once, replica ${lagSeconds} s behind`,
        results.filter((each) => !each.own).length,
        rounds,
      ),
      never('author saw nothing served from the primary', primary > 0 ? 0 : 1, 1),
    ]
  })
}

interface Round {
  /** The author's first look showed the photo and their page. */
  own: boolean
  ownMs: number
  /** Until somebody else saw it. */
  otherMs: number
}

async function oneRound(author: Client, other: Client, round: number): Promise<Round> {
  const title = `Fresh ${round} ${crypto.randomUUID().slice(0, 8)}`
  const id = await author.upload(title, await drawJpeg(400, round))
  const published = performance.now()
  const [photo, page] = await Promise.all([author.ask(`/api/photos/${id}`), author.ask(`/u/${author.name}`)])
  const ownMs = performance.now() - published
  await until('another to see it', 20_000, async () => (await other.ask(`/api/photos/${id}`)).status === 200, 30)
  const own = photo.status === 200 && page.status === 200 && page.text.includes(title)
  return { own, ownMs, otherMs: performance.now() - published }
}

function tell(results: readonly Round[], before: Map<string, number>, after: Map<string, number>): void {
  const own = results.map(({ ownMs }) => ownMs)
  const others = results.map(({ otherMs }) => otherMs)
  console.log(
    `own upload seen after ${median(own).toFixed(0)} ms (${Math.max(...own).toFixed(0)} at most), the request itself included`,
  )
  console.log(`another user saw it after ${median(others).toFixed(0)} ms (${Math.max(...others).toFixed(0)} at most)`)
  for (const [key, value] of after) console.log(`  reads to ${key.padEnd(18)} ${value - (before.get(key) ?? 0)}`)
}

/** Reads of all apps by where they went and why, such as 'primary written'. */
async function reads(shutter: Shutter): Promise<Map<string, number>> {
  const { processes } = await shutter.state()
  const found = new Map<string, number>()
  for (const { adminPort } of processes.filter(({ role }) => role === 'app')) {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
    for (const { name, labels, value } of parseMetrics(text)) {
      if (name !== 'ashlar_database_reads_total') continue
      const key = `${labels.to} ${labels.reason}`
      found.set(key, (found.get(key) ?? 0) + value)
    }
  }
  return found
}
