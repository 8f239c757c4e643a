import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../conformance.ts'
import { silent, type OpenContext } from '../../block.ts'
import { startTestCluster, testDatabase } from '../../../test/servers/postgres.ts'
import { contextOf } from '../../../test/context.ts'
import { database, type Change, type Database } from './index.ts'

const open = (url: string, of: Partial<OpenContext> = {}): Promise<Database> =>
  database().open(contextOf(url, 'db', of))

const table = (db: Database) => db.run`create table photos (id int primary key, title text, body text, big bigint)`

/** What a follower that applies every change in order would have. */
function replay(changes: readonly Change[]): Map<unknown, Record<string, unknown>> {
  const rows = new Map<unknown, Record<string, unknown>>()
  for (const { operation, key, row } of changes) {
    if (operation === 'truncate') rows.clear()
    if (operation === 'delete' || operation === 'update') {
      const before = rows.get(key.id)
      rows.delete(key.id)
      if (operation === 'update') rows.set(row!.id, { ...before, ...row })
    } else if (row) rows.set(row.id, row)
  }
  return rows
}

test('tells first of the rows that are there, then of every committed change in order, and of no rollback', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  await db.run`insert into photos select n, 'old ' || n, null, ${2n ** 60n} from generate_series(1, 1200) n`
  const seen: Change[] = []
  await using _ = await db.capture('all', { tables: ['photos'] }, (changes) => void seen.push(...changes))
  await until('the rows were copied', () => seen.length === 1200)
  assert.deepEqual([seen[0]!.table, seen[0]!.operation, seen[0]!.key], ['public.photos', 'copy', { id: 1 }])
  assert.equal(seen[0]!.row!.big, 2n ** 60n)
  await db.run`insert into photos values (5000, 'new 中', '', 7)`
  await db
    .transaction(async (tx) => {
      await tx.run`insert into photos values (6000, 'never')`
      throw new Error('undone')
    })
    .catch(() => undefined)
  await db.run`update photos set id = 5001, title = null where id = 5000`
  await db.run`delete from photos where id = 1`
  await db.run`truncate photos`
  await until('all of it came', () => seen.at(-1)!.operation === 'truncate')
  const told = seen.slice(1200).map(({ operation, key, row }) => [operation, key, row])
  assert.deepEqual(told, [
    ['insert', { id: 5000 }, { id: 5000, title: 'new 中', body: '', big: 7 }],
    ['update', { id: 5000 }, { id: 5001, title: null, body: '', big: 7 }],
    ['delete', { id: 1 }, undefined],
    ['truncate', {}, undefined],
  ])
  const versions = seen.map(({ version }) => version)
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
  await db.dropCapture('all')
})

test('misses and doubles nothing of what writers commit while it copies', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  await db.run`insert into photos select n, 'old' from generate_series(1, 500) n`
  const writing = new AbortController()
  const writers = [1, 2, 3].map(async (writer) => {
    for (let n = 0; !writing.signal.aborted; n++) {
      const id = writer * 100_000 + n
      await db.transaction(async (tx) => {
        await tx.run`insert into photos values (${id}, 'new')`
        await tx.run`update photos set title = title || '+' where id = ${1 + (n % 500)}`
      })
    }
  })
  const seen: Change[] = []
  const slowly = async (changes: readonly Change[]) => {
    seen.push(...changes)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await using _ = await db.capture('busy', { tables: ['photos'], batch: 50 }, slowly)
  await until('it follows', () => seen.some(({ operation }) => operation === 'update'))
  writing.abort()
  await Promise.all(writers)
  const there = await db.many<{ id: number; title: string }>`select id, title from photos order by id`
  await until('it has caught up', () => replay(seen).size === there.length && isSame())
  function isSame() {
    const rows = replay(seen)
    return there.every(({ id, title }) => rows.get(id)?.title === title)
  }
  const copied = new Set(seen.filter(({ operation }) => operation === 'copy').map(({ key }) => key.id))
  const inserted = seen.filter(({ operation }) => operation === 'insert').map(({ key }) => key.id)
  assert.equal(new Set(inserted).size, inserted.length, 'an insert came twice')
  assert.ok(
    inserted.every((id) => !copied.has(id)),
    'a row was copied and inserted',
  )
  await db.dropCapture('busy')
})

test('a large value that an update did not touch is named as unchanged, and never null', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  const seen: Change[] = []
  await using capture = await db.capture('toast', { tables: ['photos'] }, (changes) => void seen.push(...changes))
  await until('it follows', () => capture.state === 'following')
  await db.run`insert into photos select 1, 'a', string_agg(md5(random()::text), '') from generate_series(1, 300)`
  await db.run`update photos set title = 'b'`
  await db.run`update photos set body = null`
  await until('all of it came', () => seen.length === 3)
  const [, untouched, emptied] = seen
  assert.deepEqual([untouched!.unchanged, untouched!.row], [['body'], { id: 1, title: 'b', big: null }])
  assert.deepEqual([emptied!.unchanged, emptied!.row!.body], [[], null])
  await db.dropCapture('toast')
})

test('whoever comes next goes on where the last one was; two at a time take turns', async () => {
  await using own = await testDatabase()
  await using first = await open(own.url)
  await table(first)
  await first.run`insert into photos values (1)`
  const seen: number[] = []
  const into = (ids: number[]) => (changes: readonly Change[]) =>
    void ids.push(...changes.map(({ key }) => key.id as number))
  const capture = await first.capture('turns', { tables: ['photos'] }, into(seen))
  await until('the row was copied', () => seen.length === 1)
  await using second = await open(own.url)
  const later: number[] = []
  await using standby = await second.capture('turns', { tables: ['photos'] }, into(later))
  await first.run`insert into photos values (2)`
  await until('the first one has it', () => seen.length === 2)
  assert.deepEqual([later, standby.state], [[], 'waiting'])
  await capture.close()
  await first.run`insert into photos values (3)`
  await until('the second one took over', () => later.includes(3))
  assert.deepEqual(later, [3])
  await assert.rejects(first.dropCapture('turns'), /another process follows/)
  await standby.close()
  await first.dropCapture('turns')
})

test('what the handler refuses comes again, whole and in order, and nothing after it overtakes', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  const seen: number[] = []
  let failures = 0
  await using _ = await db.capture('stubborn', { tables: ['photos'], batch: 2 }, (changes) => {
    if (failures < 3 && changes.some(({ key }) => key.id === 3)) throw new Error(`no ${++failures}`)
    seen.push(...changes.map(({ key }) => key.id as number))
  })
  for (const id of [1, 2, 3, 4, 5]) await db.run`insert into photos values (${id})`
  await until('all came', () => seen.length === 5)
  assert.deepEqual([seen, failures], [[1, 2, 3, 4, 5], 3])
  await db.dropCapture('stubborn')
})

test('a quiet table does not hold the log back, and the lag is told', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  await db.run`create table noise (id serial primary key, text text)`
  await using _ = await db.capture('quiet', { tables: ['photos'] }, () => undefined)
  for (let n = 0; n < 20; n++)
    await db.run`insert into noise (text) select md5(random()::text) from generate_series(1, 1000)`
  await until('the server may forget that', async () => (await db.stats()).captureLagBytes! < 200_000, 30_000)
  await db.dropCapture('quiet')
  assert.equal((await db.stats()).captureLagBytes, 0)
})

test('more changes than fit into memory wait in the server', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  const gate = Promise.withResolvers<void>()
  let count = 0
  await using _ = await db.capture('many', { tables: ['photos'], batch: 1000 }, async (changes) => {
    await gate.promise
    count += changes.length
  })
  await db.run`insert into photos select n, repeat('x', 500) from generate_series(1, 60000) n`
  assert.equal(count, 0)
  gate.resolve()
  await until('all came', () => count === 60_000, 30_000)
  await db.dropCapture('many')
})

test('is back by itself after the server was killed, with every change once or again', async () => {
  await using own = await startTestCluster({ replicas: 0 })
  await using db = await open(own.url)
  await table(db)
  const seen = new Set<number>()
  await using _ = await db.capture('crash', { tables: ['photos'] }, (changes) => {
    for (const { key } of changes) seen.add(key.id as number)
  })
  const works = (statement: Promise<unknown>) =>
    statement.then(
      () => true,
      () => false,
    )
  for (let round = 0; round < 3; round++) {
    for (let id = round * 20; id < round * 20 + 20; id++)
      await until('it is stored', () => works(db.run`insert into photos values (${id}) on conflict do nothing`), 30_000)
    process.kill(own.cluster.members[0]!.pid!, 'SIGKILL')
  }
  await until('every change came', () => seen.size === 60, 30_000)
})

test('a log that was dropped before it was read is told, or everything is copied again, as was asked', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url)
  await table(db)
  await db.run`insert into photos values (1)`
  const seen: Change[] = []
  const into = (changes: readonly Change[]) => void seen.push(...changes)
  await (await db.capture('gone', { tables: ['photos'] }, into)).close()
  await db.run`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like 'ashlar_gone%'`
  await db.run`update ashlar.captures set copied = true`
  const stopped = await db.capture('gone', { tables: ['photos'] }, into)
  await until('it is told', () => stopped.state === 'lost')
  assert.deepEqual(await db.health(), { ok: false, detail: 'capture gone: the log was dropped before it was read' })
  await stopped.close()
  seen.length = 0
  await using _ = await db.capture('gone', { tables: ['photos'], lost: 'copy' }, into)
  await until('it was copied again', () => seen.some(({ operation }) => operation === 'copy'))
  assert.equal((await db.health()).ok, true)
  await db.dropCapture('gone')
})

test('refuses what it could never follow, saying why and what to do', async () => {
  await using own = await testDatabase()
  await using db = await open(own.url, { log: silent })
  await table(db)
  await db.run`create table keyless (id int)`
  const capture = (name: string, options: object) => db.capture(name, options as never, () => undefined)
  await assert.rejects(capture('A-b', { tables: ['photos'] }), { code: 'invalid_argument' })
  await assert.rejects(capture('a', { tables: [] }), /1 to 100 tables/)
  await assert.rejects(capture('a', { tables: ['photos'], table: 1 }), /'table' is not known/)
  await assert.rejects(capture('a', { tables: ['photos'], lost: 'x' }), /'stop', 'copy'/)
  await assert.rejects(capture('a', { tables: ['photos'], batch: 0 }), { code: 'invalid_argument' })
  await assert.rejects(capture('a', { tables: ['nothing'] }), { code: 'not_found', message: /no table 'nothing'/ })
  await assert.rejects(capture('a', { tables: ['keyless'] }), /give it a primary key/)
  await (await capture('a', { tables: ['photos'] })).close()
  await db.run`create table more (id int primary key)`
  await assert.rejects(capture('a', { tables: ['photos', 'more'] }), {
    code: 'conflict',
    message: /follows public.photos, not/,
  })
  await db.dropCapture('a')
})
