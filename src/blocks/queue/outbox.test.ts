import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { silent, type OpenContext } from '../../block.ts'
import { until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { queue } from './index.ts'

function contextOf(databaseUrl: string, relays: boolean): OpenContext {
  return {
    name: 'jobs',
    service: 'shop',
    url: 'memory:shared',
    databaseUrl,
    folder: '.ashlar',
    secret: '',
    relays,
    log: silent,
    block: () => assert.fail('no other block'),
  }
}

test('an engine without transactions gets what was committed, through the outbox', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using app = await queue<number>().open(contextOf(db.url, false))
  await using worker = await queue<number>().open(contextOf(db.url, true))
  const seen: unknown[] = []
  worker.work(({ payload, key }) => void seen.push([payload, key]))
  await assert.rejects(
    sql.transaction(async (tx) => {
      await app.send(0, { tx })
      throw new Error('undone')
    }),
    /undone/,
  )
  await sql.transaction(async (tx) => {
    assert.equal((await app.sendMany([1, 2], { tx, key: 'k' })).length, 2)
    assert.deepEqual(seen, [])
  })
  await until('both are handled', () => seen.length === 2)
  assert.deepEqual(seen, [
    [1, 'k'],
    [2, 'k'],
  ])
})

test('a transaction of a database that is neither the engine nor DATABASE_URL is refused', async () => {
  await using db = await testDatabase()
  await using other = await testDatabase()
  await using sql = openSql(other.url)
  await using alone = await queue<number>('alone', { url: 'memory:' })
  await using stored = await queue<number>('stored', { url: db.url })
  await sql.transaction(async (tx) => {
    for (const each of [alone, stored])
      await assert.rejects(
        each.send(1, { tx }),
        (error) => isAshlarError(error, 'unsupported') && /DATABASE_URL/.test(error.message),
      )
  })
})

test('the effects of once are in the database of the service when the engine is not one', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await sql.query('create table effects (payload int)')
  await using jobs = await queue<number>({ backoff: 10 }).open(contextOf(db.url, false))
  let attempts = 0
  jobs.work(async (job) => {
    await job.once('count', (tx) => tx.sql.query('insert into effects values ($1)', [job.payload]))
    if (++attempts < 3) throw new Error('after the effects')
  })
  await jobs.send(7)
  await until('three attempts', () => attempts === 3)
  assert.deepEqual((await sql.query('select payload from effects')).rows, [{ payload: 7 }])
})

test('without a database once refuses statements, and says what to set', async () => {
  await using jobs = await queue<number>('jobs', { url: 'memory:', attempts: 1 })
  jobs.work(async (job) => {
    await job.once('count', (tx) => tx.sql.query('select 1'))
  })
  await jobs.send(7)
  await until('it is dead', async () => (await jobs.dead()).length === 1)
  assert.match((await jobs.dead())[0]!.error, /DATABASE_URL/)
})
