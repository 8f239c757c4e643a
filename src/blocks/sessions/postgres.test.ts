import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { silent } from '../../block.ts'
import { until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { hashOf, newId } from './data.ts'
import { sessions } from './index.ts'
import { open } from './postgres.ts'

function contextOf(url: string) {
  const block = () => assert.fail()
  return { name: 'logins', service: '', url, folder: '', secret: '', relays: false, log: silent, block }
}

test('a sweep deletes what has ended and nothing else', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const driver = await open(contextOf(db.url))
  const [live, ended] = [hashOf(newId())!, hashOf(newId())!]
  const common = { user: 'ada', data: '{}', absoluteMs: 600_000 }
  await driver.insert({ ...common, idHash: live, idleMs: 60_000 })
  for (let i = 0; i < 1500; i++) await driver.insert({ ...common, idHash: `${ended}${i}`, idleMs: 1 })
  await until('they have ended', async () => (await driver.stats()).live === 1)
  const swept = await Promise.all([driver.sweep(), driver.sweep()])
  await driver.sweep()
  const { rows } = await sql.query<{ id_hash: string }>('select id_hash from ashlar.sessions')
  assert.deepEqual(rows, [{ id_hash: live }], `swept ${swept.join(' and ')}`)
  await driver.close()
})

test('the clock is the database alone: an app in Tokyo with a wrong clock keeps a 60 s session until it is due', async () => {
  await using db = await testDatabase()
  const script = `
    Date.now = () => 0
    const { sessions } = await import('./src/blocks/sessions/index.ts')
    const { open } = await import('./src/blocks/sessions/postgres.ts')
    const url = process.env.URL
    const logins = await sessions('logins', { url, idle: '1m', absolute: '1m' })
    const { id } = await logins.create('ada')
    const driver = await open({ name: 'logins', service: '', url })
    await driver.sweep()
    console.log(JSON.stringify([id, (await logins.get(id))?.user]))
    await driver.close()
    await logins.close()`
  const args = ['--conditions=source', '--input-type=module', '--eval', script]
  const env = { ...process.env, TZ: 'Asia/Tokyo', URL: db.url }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 20_000 })
  const [id, user] = JSON.parse(stdout) as [string, string]
  assert.equal(user, 'ada')
  await using here = await sessions('logins', { url: db.url, idle: '1m', absolute: '1m' })
  const found = await here.get(id)
  const leftMs = found!.expiresAt.getTime() - Date.now()
  assert.ok(leftMs > 20_000 && leftMs <= 60_000, `${leftMs} ms are left`)
  assert.ok(Math.abs(found!.createdAt.getTime() - Date.now()) < 60_000)
})

test('what was acknowledged is there after every connection was cut, and the cut is not noticed', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using logins = await sessions('logins', { url: db.url })
  const { id } = await logins.create('ada', { step: 0 })
  for (let step = 1; step <= 5; step++) {
    await sql
      .query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      .catch(() => undefined)
    await logins.update(id, { step })
    assert.deepEqual((await logins.get(id))?.data, { step })
  }
})

test('a database that accepts and then says nothing is an error within its deadline', { timeout: 30_000 }, async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
  await new Promise((next) => server.once('listening', next))
  const { port } = server.address() as { port: number }
  await assert.rejects(
    sessions('logins', { url: `postgres://a@127.0.0.1:${port}/b` }),
    (error) => error instanceof Error && !isAshlarError(error, 'internal'),
  )
  server.close()
})
