import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { registry } from '../../telemetry.ts'
import { database, type Database } from './index.ts'
import { PrimaryHistory } from './lag.ts'
import { codeOf } from './postgres.ts'
import { json, statementOf } from './template.ts'
import { mayWrite, writeIn } from './writes.ts'

test('refuses options that it does not know or that are out of range, when declared', () => {
  const cases: [object, RegExp][] = [
    [{ replica: 1 }, /option 'replica' is not known; known are migrations, replicas, maxLag, acquire/],
    [{ replicas: 9 }, /database replicas: 9 is out of range; allowed is 0 to 8/],
    [{ replicas: 1.5 }, /1.5 is not a whole number/],
    [{ maxLag: '1ms' }, /maxLag: '1ms' is out of range; allowed is 100 to 600000/],
    [{ acquire: 'soon' }, /acquire: 'soon' is not valid/],
  ]
  for (const [options, message] of cases) assert.throws(() => database(options), { code: 'invalid_argument', message })
})

test('refuses an engine that is no PostgreSQL, without showing its password', async () => {
  await assert.rejects(database('db', { url: 'mysql://u:secret@h/d' }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'unsupported')
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('applies the migrations when it opens, and leaves nothing open when they are broken', async () => {
  await using test = await testDatabase()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-database-'))
  try {
    await writeFile(path.join(folder, '0001_note.sql'), 'create table note (text text)')
    {
      await using db = await database('db', { url: test.url, migrations: folder })
      assert.equal(await db.run`insert into note values ('x')`, 1)
    }
    await writeFile(path.join(folder, '0002_bad.sql'), 'select\nnonsense')
    await assert.rejects(database('db', { url: test.url, migrations: folder }), {
      code: 'invalid_argument',
      message: /0002_bad.sql failed at line 2/,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('without replicas every read goes to the primary, and the figures say why', async () => {
  await using test = await testDatabase()
  await using db = await database('noReplicas', { url: test.url, replicas: 0 })
  await db.read.one`select 1`
  const { readsPrimary, readsReplica, replicas } = await db.stats()
  assert.deepEqual({ readsPrimary, readsReplica, replicas }, { readsPrimary: 1, readsReplica: 0, replicas: 0 })
  const text = await registry.metrics()
  assert.match(text, /ashlar_database_reads_total\{block="noReplicas",to="primary",reason="none"\} 1/)
  assert.deepEqual(await db.health(), { ok: true })
})

test('health tells of a database that is away, in time and without throwing', async () => {
  await using db = await database('db', { url: 'postgres://u:p@127.0.0.1:1/d' })
  const health = await db.health()
  assert.equal(health.ok, false)
  assert.match(health.detail!, /ECONNREFUSED/)
})

test('takes the callback forms of pg, too', async () => {
  await using test = await testDatabase()
  await using db = await database('db', { url: test.url })
  const rows = await new Promise((resolve, reject) =>
    db.query('select $1::int as n', [1], (error, result) => (error ? reject(error) : resolve(result.rows))),
  )
  assert.deepEqual(rows, [{ n: 1 }])
  const again = await new Promise((resolve, reject) =>
    db.connect((lost, client, done) => {
      if (lost) return reject(lost)
      client!.query('select 2 as n', (error, result) => (done(), error ? reject(error) : resolve(result.rows)))
    }),
  )
  assert.deepEqual(again, [{ n: 2 }])
  const client = await db.connect()
  client.release()
  assert.throws(() => client.release(), { code: 'closed' })
  assert.throws(() => client.query('select 1'), { code: 'closed' })
})

test('refuses options of a transaction that make no sense', async () => {
  await using test = await testDatabase()
  await using db = await database('db', { url: test.url })
  const odd = { isolation: 'none' } as unknown as { isolation: 'serializable' }
  await assert.rejects(
    db.transaction(async () => 1, odd),
    { code: 'invalid_argument', message: /'none' is not known/ },
  )
  const unknown = { retries: 3 } as object
  await assert.rejects(
    db.transaction(async () => 1, unknown),
    { message: /option 'retries' is not known/ },
  )
  const inner = db.transaction(() => db.transaction(async () => 1, { isolation: 'serializable' }))
  await assert.rejects(inner, { code: 'invalid_argument', message: /inside a transaction/ })
})

const built = (text: TemplateStringsArray, ...values: unknown[]) => statementOf(text, ...values)

test('a template becomes text with numbered values', () => {
  const { text, values } = built`select ${1} + ${'2'} as ${null}`
  assert.equal(text, 'select $1 + $2 as $3')
  assert.deepEqual(values, [1, '2', null])
  assert.throws(() => built`select ${undefined}`, /value 1 .* undefined; write null/)
  assert.throws(() => built`select ${1}, ${() => 1}`, /value 2 .* function/)
  assert.throws(() => built`select ${new Date(NaN)}`, /invalid Date/)
  assert.throws(() => statementOf('select 1' as unknown as TemplateStringsArray), /write the statement as a template/)
  assert.equal(json([1]).toPostgres(), '[1]')
  assert.throws(() => json(undefined), /no JSON form/)
})

test('knows a statement that may have written', () => {
  const reads: [string, string][] = [
    ['select * from a where b in (1, 2) and exists (select 1 from c)', 'SELECT'],
    ['select count(*), COALESCE(max("x"), 0) over (partition by y) from a', 'SELECT'],
    ["select 'insert into'", 'SELECT'],
    ['begin', 'BEGIN'],
  ]
  const writes: [string, string | undefined][] = [
    ['insert into a values (1)', 'INSERT'],
    ['with x as (insert into a values (1) returning 1) select * from x', 'SELECT'],
    ['select enqueue(1)', 'SELECT'],
    ['select app."Do it"(1)', 'SELECT'],
    ["select nextval('s')", 'SELECT'],
    ['select 1; delete from a', undefined],
    ['create table a ()', 'CREATE'],
    ['call p()', 'CALL'],
  ]
  for (const [text, tag] of reads) assert.equal(mayWrite(text, tag), false, text)
  for (const [text, tag] of writes) assert.equal(mayWrite(text, tag), true, text)
})

test('knows what read must refuse, and what only looks like it', () => {
  const reads = [
    'select updated, "update" from a',
    `select 'for update' -- delete from a`,
    'table a',
    'values (1)',
    'explain select 1',
  ]
  for (const text of reads) assert.equal(writeIn(text), undefined, text)
  for (const text of [
    'TRUNCATE a',
    'select 1 for no key update',
    'select pg_cancel_backend(1)',
    'merge into a using b on true',
  ])
    assert.notEqual(writeIn(text), undefined, text)
})

test('says how old a replica is by where the primary was when', () => {
  const history = new PrimaryHistory()
  assert.equal(history.ageOf('0/10', 0, 0), undefined)
  for (const [atMs, lsn] of [
    [0, '0/10'],
    [1000, '0/20'],
    [2000, '0/20'],
    [3000, '0/30'],
  ] as const)
    history.add(atMs, lsn)
  assert.equal(history.ageOf('0/30', 3500, 2000), 0, 'all that is known')
  assert.equal(history.ageOf('0/2F', 3500, 2000), 1500, 'it shows what the primary had at 2000')
  assert.equal(history.ageOf('0/10', 3500, 2000), 3500)
  assert.equal(history.ageOf('0/F', 3500, 2000), undefined, 'further back than is known')
  assert.equal(history.ageOf('0/30', 60_000, 2000), 55_000, 'nobody has seen the primary for long')
  history.add(4000, '0/5')
  assert.equal(history.ageOf('0/20', 4000, 2000), 0, 'another history has begun')
  for (let index = 0; index < 5000; index++) history.add(5000 + index, '0/40')
})

test('gives the errors of PostgreSQL a code', () => {
  const codes = {
    '23505': 'already_exists',
    '23503': 'conflict',
    '22P02': 'invalid_argument',
    '42P01': 'invalid_argument',
    '40001': 'conflict',
  }
  for (const [sqlState, code] of Object.entries(codes)) assert.equal(codeOf({ code: sqlState }), code)
  for (const other of [undefined, null, 'x', { code: 'ECONNREFUSED' }, { code: 42 }])
    assert.equal(codeOf(other), undefined)
})

test('rows have the type that was asked for', () => {
  const typed = async (db: Database) => {
    const row = await db.one<{ id: number }>`select 1 as id`
    const maybe = await db.maybe<{ id: number }>`select 1 as id`
    const id: number = row.id
    // @ts-expect-error it may be absent
    void maybe.id
    // @ts-expect-error there is no such column
    void row.name
    return id
  }
  void typed
})
