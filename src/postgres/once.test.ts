import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/servers/postgres.ts'
import { ensureOnce, once, sweepOnce } from './once.ts'
import { openSql } from './open.ts'

async function opened() {
  const db = await testDatabase()
  const sql = openSql(db.url)
  await ensureOnce(sql)
  await sql.query('create table effects (name text)')
  const effects = async () => (await sql.query<{ name: string }>('select name from effects')).rows.length
  return {
    sql,
    effects,
    async [Symbol.asyncDispose]() {
      await sql.close()
      await db[Symbol.asyncDispose]()
    },
  }
}

test('runs work once for a key, and tells whether it did', async () => {
  await using db = await opened()
  const run = (key: string) => db.sql.transaction((tx) => once(tx, 'queue:q', key, async () => 'did'))
  assert.equal(await run('1'), 'did')
  assert.equal(await run('1'), undefined)
  assert.equal(await run('2'), 'did')
  assert.equal(await run('x'.repeat(100_000)), 'did')
  assert.equal(await run('x'.repeat(100_000)), undefined)
})

test('of many duplicates at the same time one has the effect', async () => {
  await using db = await opened()
  const results = await Promise.all(
    Array.from({ length: 20 }, () =>
      db.sql.transaction((tx) =>
        once(tx, 's', 'k', async () => {
          await tx.sql.query(`insert into effects values ('a')`)
          return true
        }),
      ),
    ),
  )
  assert.equal(results.filter(Boolean).length, 1)
  assert.equal(await db.effects(), 1)
})

test('a duplicate that waited runs the work when the first one rolls back', async () => {
  await using db = await opened()
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const first = db.sql.transaction((tx) =>
    once(tx, 's', 'k', async () => {
      started.resolve()
      await finish.promise
      throw new Error('no')
    }),
  )
  await started.promise
  const second = db.sql.transaction((tx) => once(tx, 's', 'k', async () => 'second'))
  finish.resolve()
  await assert.rejects(first, /no/)
  assert.equal(await second, 'second')
})

test('work that throws leaves neither mark nor effect, also when the transaction goes on', async () => {
  await using db = await opened()
  await db.sql.transaction(async (tx) => {
    const failing = once(tx, 's', 'k', async () => {
      await tx.sql.query(`insert into effects values ('half')`)
      await tx.sql.query('select 1/0')
    })
    await assert.rejects(failing, /division by zero/)
    await tx.sql.query(`insert into effects values ('kept')`)
  })
  assert.equal(await db.effects(), 1)
  assert.equal(await db.sql.transaction((tx) => once(tx, 's', 'k', async () => 'again')), 'again')
})

test('sweeps old marks only', async () => {
  await using db = await opened()
  await db.sql.query(`insert into ashlar.once (scope, key, done_at) select 's', n::text, now() - interval '8 days'
    from generate_series(1, 2500) n`)
  await db.sql.transaction((tx) => once(tx, 's', 'new', async () => 1))
  assert.equal(await sweepOnce(db.sql, 7 * 86_400_000), 2500)
  assert.equal(await db.sql.transaction((tx) => once(tx, 's', 'new', async () => 1)), undefined)
})
