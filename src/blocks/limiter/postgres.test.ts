import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { silent } from '../../block.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { limiter } from './index.ts'
import { open } from './postgres.ts'

function contextOf(url: string) {
  const block = () => assert.fail()
  return { name: 'perUser', service: '', url, folder: '', secret: '', relays: false, log: silent, block }
}

test('two processes with 50 takes at once each, limit 5: exactly 5 pass', async () => {
  await using db = await testDatabase()
  const script = `
    const { limiter } = await import('./src/blocks/limiter/index.ts')
    const perUser = await limiter('perUser', { rate: '5/h', failure: 'closed', deadline: '5s', url: process.env.URL })
    const taken = await Promise.all(Array.from({ length: 50 }, () => perUser.take('a')))
    console.log(JSON.stringify([taken.filter((each) => each.allowed).length, taken.some((each) => each.degraded)]))
    await perUser.close()`
  const args = ['--conditions=source', '--input-type=module', '--eval', script]
  const run = () =>
    promisify(execFile)(process.execPath, args, { env: { ...process.env, URL: db.url }, timeout: 30_000 })
  const [one, two] = (await Promise.all([run(), run()])).map(({ stdout }) => JSON.parse(stdout) as [number, boolean])
  assert.deepEqual([one![0] + two![0], one![1], two![1]], [5, false, false])
})

test('a sweep deletes the rows of full buckets, once in its time, and keeps the others', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const driver = await open(contextOf(db.url))
  const slow = { capacity: 5, refillPerMs: 1 / 3_600_000 }
  const fast = { capacity: 5, refillPerMs: 1000 }
  await driver.take(
    fast,
    Array.from({ length: 500 }, (_, i) => ({ key: `full${i}`, cost: 1 })),
  )
  await driver.take(slow, [{ key: 'busy', cost: 1 }])
  await sql.query(`update ashlar.limiter set full_at = full_at - interval '5 seconds' where key like 'full%'`)
  const swept = await Promise.all([driver.sweep(60_000), driver.sweep(60_000)])
  assert.deepEqual(
    swept.toSorted((a, b) => a - b),
    [0, 500],
  )
  const { rows } = await sql.query('select key from ashlar.limiter')
  assert.deepEqual(rows, [{ key: 'busy' }])
  assert.equal(await driver.sweep(60_000), 0)
  await driver.close()
})

test('a rate so slow and a bucket so large that dates end still work', async () => {
  await using db = await testDatabase()
  await using perUser = await limiter('perUser', { rate: '1/d', burst: 1e9, deadline: '5s', url: db.url })
  const taken = await perUser.take('a', 1e9)
  assert.deepEqual([taken.allowed, taken.degraded], [true, false])
  const refused = await perUser.take('a', 1e9)
  assert.deepEqual([refused.allowed, refused.degraded], [false, false])
})

/** A database that can be cut off without a word, as a network does it: connections stay open, nothing passes. */
async function mutable(url: string) {
  let muted = false
  const sockets = new Set<Socket>()
  const { hostname, port } = new URL(url.replace(/@([^,/]*)[^/]*/, '@$1'))
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from
        .on('data', (data) => void (muted || to.write(data)))
        .on('error', () => to.destroy())
        .on('close', () => (sockets.delete(from), to.destroy()))
    }
  }).listen(0, '127.0.0.1')
  await new Promise((next) => server.once('listening', next))
  const through = (server.address() as { port: number }).port
  return {
    url: url.replace(/@[^/]*/, `@127.0.0.1:${through}`),
    mute: (now: boolean) => void (muted = now),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test(
  'a network that swallows everything is answered within the deadline, and left behind when it is over',
  { timeout: 60_000 },
  async () => {
    await using db = await testDatabase()
    await using network = await mutable(db.url)
    await using perUser = await limiter('perUser', {
      rate: '1000/h',
      failure: 'closed',
      deadline: '200ms',
      url: network.url,
    })
    await until('it decides', async () => !(await perUser.take('a')).degraded)
    network.mute(true)
    for (let i = 0; i < 20; i++) {
      const started = performance.now()
      assert.equal((await perUser.take('a')).degraded, true)
      assert.ok(performance.now() - started < 1500)
    }
    network.mute(false)
    await until('it decides again', async () => !(await perUser.take('a')).degraded, 25_000)
  },
)
