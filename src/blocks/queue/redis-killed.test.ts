import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../../../test/context.ts'
import { openProxy } from '../../../test/faults/proxy.ts'
import { ownEngineFor, startEngine } from '../../../test/servers/engines.ts'
import { until } from '../../conformance.ts'
import { redis } from '../../native.ts'
import { queue, type Queue } from './index.ts'
import { open } from './redis.ts'

const { skip } = ownEngineFor('redis')

const worked = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  )

async function isEmpty(jobs: Queue<number>): Promise<boolean> {
  return Object.values(await jobs.stats()).every((figure) => figure === 0)
}

test('kill -9 of the server in mid-flow loses nothing that was acknowledged', { skip, timeout: 120_000 }, async (t) => {
  await using own = await startEngine('redis')
  await using jobs = await queue<number>('jobs', { url: own.url, visibility: '1s' })
  const seen = new Map<number, number>()
  jobs.work(({ payload }) => void seen.set(payload, (seen.get(payload) ?? 0) + 1))
  const acknowledged: number[] = []
  let next = 0
  const send = async () => {
    while (acknowledged.length < 1_000) {
      const n = next++
      if (await worked(jobs.send(n))) acknowledged.push(n)
    }
  }
  const kill = async () => {
    for (const at of [200, 500, 800]) {
      await until(`${at} are acknowledged`, () => acknowledged.length >= at, 60_000)
      await own.kill()
      await own.restart()
    }
  }
  await Promise.all([kill(), ...Array.from({ length: 8 }, send)])
  await until('all are handled', () => acknowledged.every((n) => seen.has(n)), 60_000)
  await until('all is settled', () => isEmpty(jobs), 60_000)
  const repeated = [...seen.values()].filter((times) => times > 1).length
  t.diagnostic(`3 kills: acknowledged ${acknowledged.length}, lost 0, repeated ${repeated}`)
})

test(
  'after each of 20 restarts of the server a waiting worker has the next message within 10 s',
  { skip, timeout: 120_000 },
  async (t) => {
    await using own = await startEngine('redis')
    await using jobs = await queue<number>('jobs', { url: own.url })
    const seen = new Set<number>()
    jobs.work(({ payload }) => void seen.add(payload))
    let slowestMs = 0
    for (let round = 0; round < 20; round++) {
      await own.restart()
      await until('it can be sent', () => worked(jobs.send(round)), 10_000)
      const sentMs = performance.now()
      await until('it is handled', () => seen.has(round), 10_000)
      slowestMs = Math.max(slowestMs, performance.now() - sentMs)
    }
    t.diagnostic(`20 restarts, the slowest message took ${Math.round(slowestMs)} ms`)
  },
)

test('a frozen server is given up in time, and served again when it goes on', { skip, timeout: 60_000 }, async () => {
  await using own = await startEngine('redis')
  await using jobs = await queue<number>('jobs', { url: own.url })
  const seen: number[] = []
  jobs.work(({ payload }) => void seen.push(payload))
  await jobs.send(1)
  await until('the first is handled', () => seen.length === 1)
  own.pause()
  await assert.rejects(jobs.send(2), { code: 'timeout' })
  assert.equal((await jobs.health()).ok, false)
  own.resume()
  await until('it can be sent', () => worked(jobs.send(3)), 20_000)
  await until('it is handled', () => seen.includes(3), 20_000)
})

test('workers outlive a broken connection, and hear of what is sent meanwhile', { skip, timeout: 60_000 }, async () => {
  await using own = await startEngine('redis')
  await using way = await openProxy({ host: '127.0.0.1', port: Number(new URL(own.url).port) })
  await using jobs = await queue<number>('jobs', { url: `redis://127.0.0.1:${way.port}` })
  await using sender = await queue<number>('jobs', { url: own.url })
  const seen: number[] = []
  jobs.work(({ payload }) => void seen.push(payload))
  for (let round = 0; round < 5; round++) {
    way.cut()
    await sender.send(round)
    way.heal()
    await until('it is handled', () => seen.includes(round), 20_000)
  }
  await until('all is settled', () => isEmpty(sender), 20_000)
})

test('credentials with any character work, and never appear when they are wrong', { skip }, async () => {
  await using own = await startEngine('redis')
  const password = 'p@s#s/w?%$'
  await using admin = await queue('admin', { url: own.url })
  const { client } = admin.native(redis)
  await client.acl('SETUSER', 'us@er', 'on', `>${password}`, '~*', '&*', '+@all')
  const { host } = new URL(own.url)
  const at = (word: string) => `redis://us%40er:${encodeURIComponent(word)}@${host}`
  await using jobs = await queue<number>('jobs', { url: at(password) })
  await jobs.send(1)
  await assert.rejects(queue('jobs', { url: at(`${password}s3cret`) }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'unauthorized')
    assert.doesNotMatch(JSON.stringify([error.message, error.cause, error.stack]), /s3cret|p@s#s/)
    return true
  })
})

test(
  'a server that may drop keys, or syncs more seldom than asked, is refused; what it may lose is told',
  { skip },
  async () => {
    await using own = await startEngine('redis')
    const change = await queue('admin', { url: own.url })
    const { client } = change.native(redis)
    assert.deepEqual(await change.health(), { ok: true })
    await (await queue('jobs', { url: `${own.url}?fsync=always` })).close()
    await client.config('SET', 'appendfsync', 'everysec')
    await assert.rejects(queue('jobs', { url: `${own.url}?fsync=always` }), {
      code: 'unsupported',
      message: /appendfsync always/,
    })
    const jobs = await queue('jobs', { url: `${own.url}?fsync=everysec` })
    assert.match((await jobs.health()).detail!, /everysec: the last two seconds/)
    await jobs.close()
    await client.config('SET', 'maxmemory', '100mb')
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await assert.rejects(queue('jobs', { url: own.url }), { code: 'unsupported', message: /allkeys-lru.*noeviction/ })
    await client.config('SET', 'maxmemory-policy', 'noeviction')
    await client.acl('SETUSER', 'plain', 'on', '>pw', '~ashlar:*', '&ashlar:*', '+@all', '-config', '-info')
    const plain = await queue<number>('jobs', { url: own.url.replace('//', '//plain:pw@') })
    assert.match((await plain.health()).detail!, /does not tell/)
    await plain.send(1)
    await plain.close()
    await change.close()
  },
)

test('a full server refuses what is sent and stores none of it; what it has can still be done', { skip }, async () => {
  await using own = await startEngine('redis')
  await using jobs = await queue<string>('jobs', { url: own.url })
  const { client } = jobs.native(redis)
  await jobs.send('first')
  await client.config('SET', 'maxmemory', '1mb')
  await assert.rejects(jobs.sendMany(['a', 'b']), { code: 'exhausted', message: /OOM/ })
  await client.config('SET', 'maxmemory', '0')
  const driver = await open(contextOf(own.url, 'jobs', { service: '' }))
  assert.equal((await driver.stats()).ready, 1)
  await driver.close()
})
