import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openProxy } from '../../../test/faults/proxy.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { queue } from './index.ts'

/** A way to the database that can be cut, or fall silent. */
async function wayTo(url: string) {
  const [host, port] = /@([^:/,]+):(\d+)/.exec(url)!.slice(1)
  const proxy = await openProxy({ host: host!, port: Number(port) })
  return Object.assign(proxy, { url: url.replace(/@[^/]+\//, `@127.0.0.1:${proxy.port}/`) })
}

test('a worker outlives an outage of its database, and nothing is lost', async () => {
  await using db = await testDatabase()
  await using way = await wayTo(db.url)
  await using jobs = await queue<number>('jobs', { url: way.url })
  await using sender = await queue<number>('jobs', { url: db.url })
  const seen: number[] = []
  jobs.work(async ({ payload }) => {
    seen.push(payload)
  })
  await sender.send(1)
  await until('the first is handled', () => seen.length === 1)
  way.cut()
  await sender.send(2)
  await until('it is unwell', async () => !(await jobs.health()).ok)
  way.heal()
  await until('the second is handled', () => seen.includes(2), 20_000)
  await until('it is well', async () => (await jobs.health()).ok)
  await until('all is settled', async () => Object.values(await sender.stats()).every((figure) => figure === 0), 20_000)
})

test('closing is bounded while the database is silent', async () => {
  await using db = await testDatabase()
  await using way = await wayTo(db.url)
  const jobs = await queue<number>('jobs', { url: way.url })
  const started = Promise.withResolvers<void>()
  jobs.work(() => (started.resolve(), new Promise(() => undefined)), { drain: 100 })
  await jobs.send(1)
  await started.promise
  way.freeze()
  const closedMs = performance.now()
  await jobs.close()
  assert.ok(performance.now() - closedMs < 10_000, 'it took too long')
})

test('what a process left undone that died between its commit and its next step is made good', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using sender = await queue<string>('jobs', { url: db.url })
  for (const key of ['a', 'b']) await sender.sendMany([`${key}1`, `${key}2`], { key })
  await sql.query('update ashlar.queue_messages set head = false')
  await using jobs = await queue<string>('jobs', { url: db.url })
  const seen: string[] = []
  jobs.work(({ payload }) => void seen.push(payload))
  await until('all are handled', () => seen.length === 4)
  assert.ok(seen.indexOf('a1') < seen.indexOf('a2') && seen.indexOf('b1') < seen.indexOf('b2'))
})

test('messages of a key that are sent in transactions are handled in the order of the commits', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using jobs = await queue<string>('jobs', { url: db.url })
  const seen: string[] = []
  jobs.work(({ payload }) => void seen.push(payload))
  let later: Promise<string> | undefined
  await sql.transaction(async (tx) => {
    await jobs.send('first', { tx, key: 'k' })
    later = jobs.send('second', { key: 'k' })
    await jobs.send('other', { key: 'l' })
    await jobs.send('free')
    await until('those that need not wait are handled', () => seen.length === 2)
    await jobs.send('third', { tx, key: 'k' })
  })
  await later
  await until('all are handled', () => seen.length === 5)
  assert.deepEqual(seen.slice(0, 2).toSorted(), ['free', 'other'])
  assert.deepEqual(seen.slice(2), ['first', 'third', 'second'])
})
