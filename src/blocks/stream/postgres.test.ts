import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, test } from 'node:test'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { encodeBatch } from './postgres/framing.ts'
import { stream } from './index.ts'
import { open } from './postgres.ts'

const db = await testDatabase()
after(() => db[Symbol.asyncDispose]())
const sql = openSql(db.url)
after(() => sql.close())
const context = (name: string) => ({ name, service: '', url: db.url }) as Parameters<typeof open>[0]
const numbers = (length: number) => Array.from({ length }, (_, n) => n)

test('no reader skips what commits late: writers that dawdle in their transaction, and roll back', async () => {
  const driver = await (await open(context('late'))).open({ partitions: 2 })
  const [{ id }] = (await sql.query<{ id: number }>("select id from ashlar.streams where name = 'late'")).rows as [
    { id: number },
  ]
  const committed: string[] = []
  const writer = async (name: number) => {
    for (let n = 0; n < 15; n++) {
      const value = `${name}/${n}`
      const payload = encodeBatch([{ key: null, value: Buffer.from(value), headers: {} }])
      const append = async () =>
        sql.transaction(async (tx) => {
          await tx.sql.query('select ashlar.stream_append($1, $2, $3, $4::bytea[])', [id, [n % 2], [1], [payload]])
          await sleep(Math.random() * 8)
          if (Math.random() < 0.1) throw new Error('rolled back')
          committed.push(value)
        })
      await append().catch(() => undefined)
    }
  }
  let isWritten = false
  const writing = Promise.all(numbers(6).map(writer)).then(() => (isWritten = true))
  const seen: string[] = []
  const signal = new AbortController().signal
  const tail = async (partition: number) => {
    let next = 0
    for (let isLast = false; !isLast;) {
      isLast = isWritten
      const page = await driver.read(partition, next, { maxRecords: 10, maxBytes: 1024, waitMs: 20, signal })
      if (page.length > 0) isLast = false
      for (const { offset, value } of page) {
        assert.equal(offset, next++, 'offsets have no holes')
        seen.push(Buffer.from(value!).toString())
      }
    }
  }
  await Promise.all([writing, tail(0), tail(1)])
  assert.deepEqual(seen.sort(), committed.sort())
  await driver.close()
})

test('what is appended with { tx } comes after the commit, in order by key, and not after a rollback', async () => {
  await using log = await stream<{ key: string; n: number }>('within', { url: db.url, key: ({ key }) => key })
  const seen: number[] = []
  await log.consume('g', (entries) => void seen.push(...entries.map(({ value }) => value!.n)))
  await sql.transaction(async (tx) => {
    await log.append({ key: 'a', n: 1 }, { tx })
    await log.appendMany(
      [
        { key: 'a', n: 2 },
        { key: 'a', n: 3 },
      ],
      { tx },
    )
    await sleep(50)
    assert.deepEqual(seen, [], 'nothing before the commit')
  })
  await assert.rejects(
    sql.transaction(async (tx) => {
      await log.append({ key: 'a', n: 99 }, { tx })
      throw new Error('undone')
    }),
    /undone/,
  )
  await sql.transaction((tx) => log.append({ key: 'a', n: 4 }, { tx }))
  await until('all are there', () => seen.length >= 4)
  assert.deepEqual(seen, [1, 2, 3, 4])
})

test('a transaction of another database is refused', async () => {
  await using log = await stream<number>('elsewhere', { url: 'memory:' })
  await assert.rejects(
    sql.transaction((tx) => log.append(1, { tx })),
    { code: 'unsupported', message: /leave out \{ tx \}/ },
  )
})

const program = `
  const { stream } = await import(process.env.INDEX)
  const log = await stream('killed', { url: process.env.URL })
  let handled = 0
  await log.consume('g', async (entries) => {
    for (const { value } of entries) {
      if (handled++ >= 500) await new Promise(() => setInterval(() => {}, 1000))
      console.log(value)
    }
  }, { batch: 40, session: '1s' })
`

test('kill -9 in the middle of a batch: a new member gets all that was not committed, and both together have all', async () => {
  await using log = await stream<number>('killed', { url: db.url })
  for (let n = 0; n < 1_000; n += 10) await log.appendMany(numbers(10).map((each) => n + each))
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
    env: { ...process.env, URL: db.url, INDEX: new URL('./index.ts', import.meta.url).href },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const first: number[] = []
  createInterface(child.stdout).on('line', (line) => void first.push(Number(line)))
  await until('it is in the middle', () => first.length >= 500, 20_000)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const groups = await log.groups()
  const committed = groups[0]!.partitions.reduce((sum, each) => sum + Number(each.committed), 0)
  assert.ok(committed <= first.length, `${committed} committed, ${first.length} handled`)
  const second: number[] = []
  await log.consume('g', (entries) => void second.push(...entries.map(({ value }) => value!)), { session: '1s' })
  await until('the rest is handled', () => second.length >= 1_000 - committed)
  assert.equal(second.length, 1_000 - committed)
  assert.equal(new Set([...first, ...second]).size, 1_000)
})

test('retention drops thousands of batches in short steps', async () => {
  const driver = await (await open(context('long'))).open({ partitions: 1 })
  const payload = encodeBatch([{ key: null, value: Buffer.from('x'), headers: {} }])
  const ones = numbers(2_500)
  await sql.query(
    `select count(*) from ashlar.streams s, ashlar.stream_append(s.id, $1, $2, $3::bytea[]) where s.name = 'long'`,
    [ones.map(() => 0), ones.map(() => 1), ones.map(() => payload)],
  )
  assert.equal(await driver.trim({ bytesPerPartition: payload.length * 100, compact: false }), 2_400)
  assert.deepEqual(await driver.bounds(), [{ start: 2_400, end: 2_500 }])
  await driver.close()
})

test('compaction is refused where the driver lacks it', async () => {
  const opening = stream('compacted', { url: db.url, compact: true, key: String })
  await assert.rejects(opening, { code: 'unsupported', message: /no compaction/ })
})

test('refuses URL options that it does not know', async () => {
  await assert.rejects(stream('views', { url: `${db.url}?acks=all` }), { code: 'invalid_argument', message: /'acks'/ })
})
