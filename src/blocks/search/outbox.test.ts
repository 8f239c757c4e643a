import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { silent, type OpenContext } from '../../block.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { search, type Search } from './index.ts'

interface Note {
  id: string
  text: string
}

const options = { text: { text: 1 } } as const

/** As a blueprint opens it: the engine at one URL, the main database at another. */
function openNotes(url: string, databaseUrl: string | undefined, relays: boolean): Promise<Search<Note>> {
  const context: OpenContext = {
    name: 'notes',
    service: 'test',
    url,
    folder: '',
    secret: '',
    relays,
    log: silent,
    block: () => assert.fail(),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  }
  return search<Note>(options).open(context)
}

for (const engine of ['memory', 'postgres'] as const) {
  test(`a put in a transaction is found after the commit, never after a rollback (${engine})`, async () => {
    await using db = await testDatabase()
    await using sql = openSql(db.url)
    await using notes = await openNotes(engine === 'memory' ? 'memory:' : db.url, db.url, true)
    await assert.rejects(
      sql.transaction(async (tx) => {
        await notes.put({ id: 'lost', text: 'lost' }, { tx })
        throw new Error('no')
      }),
      /no/,
    )
    await sql.transaction(async (tx) => {
      await notes.put({ id: 'a', text: 'hello' }, { tx })
      await notes.put({ id: 'b', text: 'hello' }, { tx })
      assert.equal((await notes.search('hello')).total, 0, 'not before the commit')
    })
    await until('both are found', async () => (await notes.search('hello')).total === 2)
    await sql.transaction((tx) => notes.remove('a', { tx }))
    await until('one is gone', async () => (await notes.search('hello')).total === 1)
    assert.equal((await notes.search('lost')).total, 0)
    await until('nothing waits', async () => (await notes.stats())['outboxWaiting'] === 0)
  })
}

test('later transactions win over earlier ones, whatever the order in which they are applied', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using app = await openNotes(db.url, db.url, false)
  await sql.transaction((tx) => app.put({ id: 'a', text: 'first' }, { tx }))
  await app.put({ id: 'a', text: 'second' })
  await using worker = await openNotes(db.url, db.url, true)
  await until('the outbox is empty', async () => (await worker.stats())['outboxWaiting'] === 0)
  assert.equal((await app.search('first', { typos: false })).total, 0)
  assert.equal((await app.search('second')).total, 1)
})

test('a change that the index refuses is parked and holds up nothing; a newer one releases it', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using notes = await openNotes(db.url, db.url, true)
  await sql.transaction((tx) => notes.put({ id: 'huge', text: hugeText() }, { tx, version: 1 }))
  await sql.transaction((tx) => notes.put({ id: 'fine', text: 'fine' }, { tx, version: 1 }))
  await until('the good one is found', async () => (await notes.search('fine')).total === 1)
  await until('the bad one is parked', async () => (await notes.stats())['parked'] === 1)
  await sql.transaction((tx) => notes.put({ id: 'huge', text: 'smaller' }, { tx, version: 2 }))
  await until('the newer one is found', async () => (await notes.search('smaller')).total === 1)
  await until('nothing is parked', async () => (await notes.stats())['parked'] === 0, 25_000)
})

/** Within the limits of a document, but its pairs of characters need more than the megabyte that a tsvector may have. */
function hugeText(): string {
  const pairs = Array.from({ length: 49_900 }, (_, at) => [0x4e00 + Math.floor(at / 220), 0x6e00 + (at % 220)])
  return pairs.map((pair) => String.fromCharCode(...pair)).join('')
}

test('a put in a transaction is refused without a database, and in a transaction of another one', async () => {
  await using db = await testDatabase()
  await using other = await testDatabase()
  await using sql = openSql(other.url)
  await using alone = await openNotes('memory:', undefined, true)
  await using notes = await openNotes('memory:', db.url, false)
  await sql.transaction(async (tx) => {
    await assert.rejects(alone.put({ id: 'a', text: '' }, { tx }), { code: 'unsupported', message: /DATABASE_URL/ })
    await assert.rejects(notes.put({ id: 'a', text: '' }, { tx }), {
      code: 'invalid_argument',
      message: /one database/,
    })
    await assert.rejects(notes.put({ id: '', text: '' }, { tx }), { code: 'invalid_argument' })
  })
})

test('takes transactions of the main database and of the engine, when they are two', async () => {
  await using main = await testDatabase()
  await using engine = await testDatabase()
  await using notes = await openNotes(engine.url, main.url, true)
  for (const [id, { url }] of Object.entries({ main, engine })) {
    await using sql = openSql(url)
    await sql.transaction((tx) => notes.put({ id, text: 'there \u0000' }, { tx }))
  }
  await until('both are found', async () => (await notes.search('there')).total === 2)
})
