import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { until } from '../../src/conformance.ts'
import { ashlar, type Run } from './dev.ts'
import { Site } from './site.ts'

// One folder for all tests here: each starts on what the one before has left, as a developer's days go.
let site: Site
before(async () => void (site = await Site.make({ name: 'My Café App' })))
after(async () => site[Symbol.asyncDispose]())

const linux = process.platform === 'linux'
let number = 0
const fresh = (what: string) => `${what}-${process.pid}-${++number}`

async function get(run: Run, path: string): Promise<unknown> {
  const response = await fetch(run.url + path, { signal: AbortSignal.timeout(20_000) })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.json()
}

const rows = (run: Run) => get(run, '/rows') as Promise<string[]>
const hasRow = async (run: Run, name: string) => (await rows(run).catch((): string[] => [])).includes(name)

async function goneWithin(limitMs: number): Promise<void> {
  await until(`nothing is left of it: ${site.strays().join('; ')}`, () => site.strays().length === 0, limitMs)
}

describe('an orderly stop', () => {
  for (const [signal, group] of [
    ['SIGTERM', false],
    ['SIGINT', false],
    ['SIGINT', true],
  ] as const) {
    test(`by ${signal}${group ? ' to the process group' : ''}: what is under way is finished while the database is there`, async () => {
      const [slow, job] = [fresh('slow'), fresh('job')]
      await using run = await (await site.dev({ env: { FAREWELL: '1' } })).ready()
      const before = (await rows(run)).filter((name) => name.startsWith('farewell')).length
      await get(run, `/send?name=${job}&ms=800`)
      const answer = get(run, `/slow?name=${slow}&ms=800`)
      await until('a worker has the job', async () => (await leased(run)) > 0)
      run.signal(signal, group)
      assert.equal(await answer, 'slow')
      assert.equal(await run.end(), 0)
      assert.ok(!site.has('.ashlar/status.json'))
      await goneWithin(1_000)
      await using again = await (await site.dev()).ready()
      const after = await rows(again)
      assert.ok(after.includes(slow) && after.includes(job), after.join())
      assert.equal(after.filter((name) => name.startsWith('farewell')).length - before, 2, 'both workers said farewell')
    })
  }

  test('reaches a paused role too', { skip: !linux }, async () => {
    await using run = await (await site.dev()).ready()
    process.kill(run.pidsOf('worker')[0]!, 'SIGSTOP')
    run.signal('SIGTERM')
    assert.equal(await run.end(), 0)
    await goneWithin(1_000)
  })

  test('asked for before it is ready: it stops and leaves nothing', async () => {
    await using run = await site.dev()
    await until('the database is there', () => existsSync(`${site.folder}/.ashlar/postgres/pg0/postmaster.pid`), 30_000)
    run.signal('SIGINT')
    assert.equal(await run.end(), 0, run.output)
    await goneWithin(1_000)
  })
})

/** Jobs that a worker has. */
async function leased(run: Run): Promise<number> {
  const url = `${run.status!.addresses.console}/state.json`
  const text = await (await fetch(url)).text()
  return Number(/"leased":(\d+)/.exec(text)?.[1] ?? /"running":(\d+)/.exec(text)?.[1] ?? 0)
}

describe('kill -9', { skip: !linux }, () => {
  test('of the parent, with a paused role: all are gone within 10 s, and the next start has every acknowledged row and job', async () => {
    const [row, job] = [fresh('row'), fresh('job')]
    await using run = await (await site.dev()).ready()
    for (const pid of run.pidsOf('worker')) process.kill(pid, 'SIGSTOP')
    assert.equal(await get(run, `/add?name=${row}`), 'added')
    assert.equal(await get(run, `/send?name=${job}`), 'sent')
    run.signal('SIGKILL')
    await goneWithin(10_000)
    await using again = await (await site.dev()).ready()
    assert.ok(await hasRow(again, row))
    await until('the job is done', () => hasRow(again, job), 30_000)
  })

  test('of everything at once: the next start recovers by itself', async () => {
    const row = fresh('row')
    await using run = await (await site.dev()).ready()
    await get(run, `/add?name=${row}`)
    for (const stray of site.strays()) kill(Number(stray.split(' ')[0]))
    await goneWithin(10_000)
    await using again = await (await site.dev()).ready()
    assert.ok(await hasRow(again, row))
  })

  test('of the parent, and started again at once: the new one is not disturbed by what is left', async () => {
    const run = await (await site.dev()).ready()
    run.signal('SIGKILL')
    await run.end()
    await using again = await (await site.dev()).ready()
    assert.equal(await get(again, '/'), 'first')
    assert.ok(again.status!.processes.every(({ healthy }) => healthy))
  })

  test('of each role in turn: it is started again, and nothing acknowledged is lost', async () => {
    await using run = await (await site.dev()).ready()
    const sent: string[] = []
    for (const role of ['worker', 'app', 'edge']) {
      const job = fresh(role)
      await get(run, `/send?name=${job}&ms=500`)
      sent.push(job)
      const [pid] = run.pidsOf(role)
      kill(pid!)
      await until(`another ${role} is ready`, () => healthy(run, role, pid!), 30_000)
    }
    for (const job of sent) await until(`${job} is done elsewhere`, () => hasRow(run, job), 30_000)
  })

  test('of the primary, then of the replica: acknowledged rows stay, and the service answers again', async () => {
    await using run = await (await site.dev()).ready()
    for (const role of ['primary', 'replica']) {
      const row = fresh(role)
      await get(run, `/add?name=${row}`)
      const [pid] = run.pidsOf(role)
      kill(pid!)
      await until(`the ${role} is back`, () => healthy(run, role, pid!), 60_000)
      await until(
        'it writes again',
        () =>
          get(run, `/add?name=${fresh(role)}`).then(
            () => true,
            () => false,
          ),
        30_000,
      )
      assert.ok(await hasRow(run, row))
    }
  })
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it went with another
  }
}

function healthy(run: Run, role: string, notPid: number): boolean {
  const all = run.status?.processes.filter((each) => each.role === role) ?? []
  return all.length > 0 && all.every((each) => each.healthy && each.pid > 0 && each.pid !== notPid)
}

describe('two at a time', () => {
  test('a second one in the same folder is refused, naming the first, which goes on', async () => {
    await using run = await (await site.dev()).ready()
    const second = await ashlar(site.folder, ['dev', '--no-watch'])
    assert.equal(second.code, 1)
    assert.match(
      second.output,
      new RegExp(`^ashlar: 'ashlar dev' runs in this folder already, as process ${run.pid}`, 'm'),
    )
    assert.equal(await get(run, '/'), 'first')
    assert.ok(run.status)
  })
})
