import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../src/conformance.ts'
import { ashlar, type Run } from './dev.ts'
import { files, Site } from './site.ts'

let site: Site
before(async () => void (site = await Site.make()))
after(async () => site[Symbol.asyncDispose]())

const app = (says: string) => files['app.ts']().replace("'first'", `'${says}'`)

/** Asks through the edge again and again until stopped. */
function polling(run: Run) {
  const seen = new Set<unknown>()
  const failures: string[] = []
  const going = new AbortController()
  const ask = async () => {
    while (!going.signal.aborted) {
      const answer = await fetch(run.url).catch((error: Error) => error)
      if (answer instanceof Error) failures.push(answer.message)
      else if (answer.ok) seen.add(await answer.json())
      else failures.push(String(answer.status))
      await new Promise((resolve) => setTimeout(resolve, 20)) // the others here want to work, too
    }
  }
  const asking = [ask(), ask()]
  return {
    seen,
    failures,
    stop: async () => {
      going.abort()
      await Promise.all(asking)
    },
  }
}

test('a save puts new code in place without a failed request; a broken save leaves the old code running until the next', async () => {
  site.write('app.ts', app('first'))
  await using run = await (await site.dev({ args: [] })).ready()
  const polled = polling(run)
  site.write('app.ts', app('second'))
  await until('the new code answers', () => polled.seen.has('second'), 40_000)
  await run.says(/^restarted$/m)
  site.write('app.ts', app('third').replace('export default', 'expot default'))
  await run.says(/could not start anew, what ran before goes on: web: its module could not be loaded.*app\.ts:1?\d/)
  const [lastError] = await troubles(run)
  assert.match(lastError ?? '', /module could not be loaded/, 'the console shows it')
  site.write('app.ts', app('fourth'))
  await until('the next save recovers', () => polled.seen.has('fourth'), 60_000)
  await until('no error is left', async () => (await troubles(run)).length === 0, 30_000)
  await polled.stop()
  assert.deepEqual(polled.failures, [])
  assert.ok(!polled.seen.has('third'))
})

/** The last errors of processes, as the console shows them. */
async function troubles(run: Run): Promise<string[]> {
  const text = await (await fetch(`${run.status!.addresses.console}/state.json`)).text()
  const { processes } = JSON.parse(text) as { processes: { lastError?: string }[] }
  return processes.flatMap(({ lastError }) => lastError ?? [])
}

test('status tells what runs, for people and as JSON; and that nothing does', async () => {
  site.write('app.ts', app('first'))
  {
    await using run = await (await site.dev()).ready()
    const { code, output } = await ashlar(site.folder, ['status'])
    assert.equal(code, 0)
    assert.match(output, new RegExp(`edge +${run.url}`))
    assert.match(output, /web-2 +app +\d+ +healthy +\d+ MB/)
    const json = await ashlar(site.folder, ['status', '--json'])
    assert.deepEqual(Object.keys(JSON.parse(json.output) as object), ['service', 'addresses', 'processes'])
  }
  const { code, output } = await ashlar(site.folder, ['status', '--json'])
  assert.equal(code, 1)
  assert.match(output, /nothing runs here.*ashlar dev/)
})

test('status knows a service that was killed from one that runs', async () => {
  const run = await (await site.dev()).ready()
  run.signal('SIGKILL')
  await run.end()
  const { code, output } = await ashlar(site.folder, ['status'])
  assert.equal(code, 1)
  assert.match(output, /nothing runs here.*was killed/)
})
