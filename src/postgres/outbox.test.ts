import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/servers/postgres.ts'
import { until } from '../conformance.ts'
import { AshlarError } from '../errors.ts'
import { openSql } from './open.ts'
import { addToOutbox, ensureOutbox, outboxStats, startRelay, type OutboxMessage } from './outbox.ts'
import type { Sql } from './sql.ts'

const fast = { pollMs: 50, backoffMs: 5 }

async function opened() {
  const db = await testDatabase()
  const sql = openSql(db.url)
  await ensureOutbox(sql)
  return {
    url: db.url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.close()
      await db[Symbol.asyncDispose]()
    },
  }
}

const message = (body: string, key?: string): OutboxMessage => ({ key, body, headers: { id: body } })
const send = (sql: Sql, ...messages: OutboxMessage[]) => sql.transaction((tx) => addToOutbox(tx, 'topic:t', messages))

test('publishes what was committed, in order, and nothing of a rollback', async () => {
  await using db = await opened()
  const got: OutboxMessage[] = []
  await send(db.sql, message('1', 'a'), message('2', 'a'))
  await assert.rejects(
    db.sql.transaction(async (tx) => {
      await addToOutbox(tx, 'topic:t', [message('lost')])
      throw new Error('no')
    }),
  )
  await using open = new AsyncDisposableStack()
  open.use(await startRelay(db.sql, 'topic:t', async (batch) => void got.push(...batch), fast))
  await send(db.sql, message('3'))
  await until('all are there', () => got.length === 3)
  assert.deepEqual(got, [message('1', 'a'), message('2', 'a'), message('3')])
  await until('the table is empty', async () => (await outboxStats(db.sql, 'topic:t')).waiting === 0)
})

test('a commit wakes the relay of another process long before its poll', async () => {
  await using db = await opened()
  const got: OutboxMessage[] = []
  const slow = { pollMs: 600_000 }
  await using open = new AsyncDisposableStack()
  open.use(await startRelay(db.sql, 'topic:t', async (batch) => void got.push(...batch), slow))
  await using other = openSql(`${db.url}?application_name=other`)
  await send(other, message('1'))
  await until('it is published', () => got.length === 1)
})

test('several relays publish each message once, per key in order of the commits', async () => {
  await using db = await opened()
  const got: OutboxMessage[] = []
  let at = 0
  const relays = await Promise.all(
    [1, 2, 3].map(() =>
      startRelay(
        db.sql,
        'topic:t',
        async (batch) => {
          assert.equal(++at, 1, 'one works at a time')
          await new Promise((resolve) => setImmediate(resolve))
          got.push(...batch)
          at--
        },
        { ...fast, batch: 7 },
      ),
    ),
  )
  const commits: string[] = []
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      await db.sql.transaction(async (tx) => {
        await addToOutbox(tx, 'topic:t', [message(String(index), 'key')])
        commits.push(String(index)) // the key's turn lasts to the commit, so this is the order of the commits
      })
    }),
  )
  await until('all are there', () => got.length >= 40)
  await Promise.all(relays.map((relay) => relay[Symbol.asyncDispose]()))
  assert.deepEqual(
    got.map(({ body }) => body),
    commits,
  )
})

test('an engine that is away loses nothing and is not asked without pause', async () => {
  await using db = await opened()
  const got: OutboxMessage[] = []
  let failures = 5
  const warned: object[] = []
  await send(db.sql, message('1'), message('2'))
  await using open = new AsyncDisposableStack()
  open.use(
    await startRelay(
      db.sql,
      'topic:t',
      async (batch) => {
        if (failures-- > 0) throw new AshlarError('unavailable', 'away')
        got.push(...batch)
      },
      { ...fast, log: { warn: (fields) => void warned.push(fields) } },
    ),
  )
  await until('all are there', () => got.length === 2)
  assert.equal(warned.length, 5)
  assert.equal((await outboxStats(db.sql, 'topic:t')).refused, 0)
})

test('a refused message is kept, counted and told; its key waits, the others pass; it goes out once it is accepted', async () => {
  await using db = await opened()
  const got: string[] = []
  let refuses = true
  const warned: object[] = []
  await send(db.sql, message('1', 'a'), message('poison', 'b'), message('after', 'b'), message('2', 'c'), message('3'))
  await using open = new AsyncDisposableStack()
  open.use(
    await startRelay(
      db.sql,
      'topic:t',
      async (batch) => {
        if (refuses && batch.some(({ body }) => body === 'poison')) throw new AshlarError('invalid_argument', 'too big')
        got.push(...batch.map(({ body }) => body))
      },
      { ...fast, log: { warn: (fields) => void warned.push(fields) } },
    ),
  )
  await until('the others are there', () => got.length === 3)
  assert.deepEqual(got, ['1', '2', '3'])
  await until('it is marked', async () => (await outboxStats(db.sql, 'topic:t')).refused === 1)
  await send(db.sql, message('4'))
  await until('later ones pass', () => got.length === 4)
  assert.match(JSON.stringify(warned[0]), /too big/)
  refuses = false
  await until('it is accepted', () => got.length === 6)
  assert.deepEqual(got.slice(4), ['poison', 'after'])
})

test('raw errors on every message hold nothing against the messages', async () => {
  await using db = await opened()
  const got: OutboxMessage[] = []
  let failures = 9
  await send(db.sql, message('1'), message('2'))
  await using open = new AsyncDisposableStack()
  open.use(
    await startRelay(
      db.sql,
      'topic:t',
      async (batch) => {
        if (failures-- > 0) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
        got.push(...batch)
      },
      fast,
    ),
  )
  await until('all are there', () => got.length === 2)
})

test('the relay of a process that died leaves its turn to another', async () => {
  await using db = await opened()
  await using dead = openSql(`${db.url}?application_name=dead`)
  await send(db.sql, message('1'))
  const taken = Promise.withResolvers<void>()
  const relay = await startRelay(dead, 'topic:t', () => (taken.resolve(), new Promise(() => undefined)), fast)
  await taken.promise
  const got: OutboxMessage[] = []
  await using open = new AsyncDisposableStack()
  open.use(await startRelay(db.sql, 'topic:t', async (batch) => void got.push(...batch), fast))
  await db.sql.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dead'`)
  await until('the other one took over', () => got.length === 1)
  await relay[Symbol.asyncDispose]()
})

test('adds tens of thousands in one transaction', async () => {
  await using db = await opened()
  await send(db.sql, ...Array.from({ length: 20_000 }, (_, index) => message(String(index), `k${index % 5000}`)))
  assert.equal((await outboxStats(db.sql, 'topic:t')).waiting, 20_000)
})
