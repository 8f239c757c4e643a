import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { silent } from '../../block.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { cache } from './index.ts'
import { open } from './postgres.ts'

function contextOf(url: string) {
  const block = () => assert.fail()
  return { name: 'feed', service: '', url, folder: '', secret: '', relays: false, log: silent, block }
}

/** A process of its own that opens the cache as `feed` and runs a script; what the loader does is told through a table. */
function script(body: string): string[] {
  const text = `
    const { cache } = await import('./src/blocks/cache/index.ts')
    const { openSql } = await import('./src/postgres/open.ts')
    const sql = openSql(process.env.URL)
    const feed = await cache('feed', { url: process.env.URL, deadline: '5s' })
    ${body}
    await feed.close()
    await sql.close()`
  return ['--conditions=source', '--input-type=module', '--eval', text]
}

test('three processes at once run one loader', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await sql.query('create table loads (pid int)')
  const args = script(`
    const load = async () => {
      await sql.query('insert into loads values ($1)', [process.pid])
      await new Promise((next) => setTimeout(next, 3000))
      return 'loaded'
    }
    console.log(await feed.get('hot', load))`)
  const env = { ...process.env, URL: db.url }
  const run = () => promisify(execFile)(process.execPath, args, { env, timeout: 30_000 })
  const outputs = await Promise.all([run(), run(), run()])
  assert.deepEqual(
    outputs.map(({ stdout }) => stdout.trim()),
    ['loaded', 'loaded', 'loaded'],
  )
  assert.equal((await sql.query('select * from loads')).rowCount, 1)
})

test('when the process that loads is killed another takes over within seconds', { timeout: 60_000 }, async () => {
  await using db = await testDatabase()
  await using feed = await cache<string>('feed', { url: db.url, deadline: '5s' })
  const args = script(
    `await feed.get('hot', () => (console.log('loading'), new Promise(() => setInterval(() => 0, 1000))))`,
  )
  const child = spawn(process.execPath, args, {
    env: { ...process.env, URL: db.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  let mine = 0
  const waiting = feed.get('hot', () => (mine++, 'mine'))
  child.kill('SIGKILL')
  assert.equal(await waiting, 'mine')
  assert.equal(mine, 1)
  assert.equal(await feed.get('hot'), 'mine', 'and it is kept')
})

test('a sweep deletes what is over, keeps the bounds, and one process does it at a time', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const driver = await open(contextOf(db.url))
  const entry = { value: 'x'.repeat(100), tags: [] }
  const many = Array.from({ length: 400 }, (_, i) => ({ ...entry, key: `key${i}`, ttlMs: i < 100 ? 1 : 60_000 + i }))
  await driver.set(many)
  await until('some are over', async () => (await driver.stats()).entries === 300)
  const bounds = { maxEntries: 250, maxBytes: 20_000 }
  const swept = await Promise.all([driver.sweep(bounds), driver.sweep(bounds)])
  assert.equal(swept[0] + swept[1], 200, swept.join(' and '))
  assert.deepEqual(await driver.stats(), { entries: 200, bytes: 20_000 })
  assert.equal((await sql.query('select 1 from ashlar.cache')).rowCount, 200)
  assert.equal(await driver.sweep({ maxEntries: 1, maxBytes: 1 }), 0, 'not again so soon')
  await driver.close()
})

test('what travels by NOTIFY names no key and no cache', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const [one, two] = [await open(contextOf(db.url)), await open(contextOf(db.url))]
  const channels = new Set<string>()
  const stop = await two.onChange((digests) => (digests ?? []).forEach((each) => channels.add(each)))
  await one.delete(['secret-user-key'])
  await until('it is heard', () => channels.size > 0)
  assert.ok([...channels].every((each) => /^[\w-]{11}$/.test(each)))
  const { rows } = await sql.query<{ query: string }>(`select query from pg_stat_activity where query like 'listen %'`)
  assert.ok(
    rows.every(({ query }) => /^listen "ashlar_cache_[0-9a-f]{24}"$/.test(query)),
    JSON.stringify(rows),
  )
  const heard: unknown[] = []
  const stopAll = await two.onChange((digests) => heard.push(digests))
  await one.delete(Array.from({ length: 500 }, (_, i) => `key${i}`))
  await one.delete(Array.from({ length: 700 }, (_, i) => `key${i}`))
  await until('both are heard', () => heard.length >= 2)
  assert.deepEqual([(heard[0] as string[]).length, heard[1]], [500, undefined], 'too many for one NOTIFY is "anything"')
  await stop()
  await stopAll()
  await one.close()
  await two.close()
})

test('a lost connection may have missed news: the near tier starts anew', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using feed = await cache<number>('feed', { url: `${db.url}?pool_size=9`, nearTtl: '1h', deadline: '5s' })
  await feed.set('a', 1)
  assert.equal(await feed.get('a'), 1)
  assert.equal((await feed.stats())['nearEntries'], 1)
  await sql.query(`update ashlar.cache set value = '[0,0,2]'`)
  assert.equal(await feed.get('a'), 1, 'nobody told of this change')
  await sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and pid <> pg_backend_pid()`,
  )
  await until('it is flushed', async () => (await feed.get('a')) === 2)
})

test('the old value is never answered after a refused or failed overwrite', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using feed = await cache<string>('feed', { url: db.url, near: 10, deadline: '5s' })
  await feed.set('a', 'old')
  await sql.query(`alter table ashlar.cache add constraint small check (bytes < 1000)`)
  await assert.rejects(feed.set('a', 'x'.repeat(1500)))
  assert.notEqual(await feed.get('a'), 'old')
  assert.equal(
    await feed.get('a', () => 'y'.repeat(1500)),
    'y'.repeat(1500),
    'a store that refuses is no reason to fail',
  )
})
