import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { silent, type OpenContext } from '../../block.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import type { Fields, Indexing, SearchDriver } from './driver.ts'
import { open } from './postgres/index.ts'
import { dropLeftovers, forgetDeleted } from './postgres/tidy.ts'

const fields: Fields = { text: { title: 1 }, facets: ['tags'], complete: 'title' }

async function opened(url: string, name = 'docs'): Promise<SearchDriver & AsyncDisposable> {
  const context: OpenContext = {
    name,
    service: 'test',
    url,
    folder: '',
    secret: '',
    relays: false,
    log: silent,
    block: () => assert.fail(),
  }
  const driver = await open(context)
  await driver.ensure(fields)
  return Object.assign(driver, { [Symbol.asyncDispose]: () => driver.close() })
}

function item(id: string, title: string, version = 1): Indexing {
  return {
    id,
    version,
    document: {
      text: { title },
      facets: { tags: ['t'] },
      complete: title.slice(0, 50),
      source: JSON.stringify({ id, title }),
    },
  }
}

/** Within the limits of a document, but its pairs of characters need more than the megabyte that a tsvector may have. */
function hugeText(): string {
  const pairs = Array.from({ length: 49_900 }, (_, at) => [0x4e00 + Math.floor(at / 220), 0x6e00 + (at % 220)])
  return pairs.map((pair) => String.fromCharCode(...pair)).join('')
}

const query = { typos: true, prefix: true, filters: {}, facets: [], offset: 0, limit: 10 }

test('a document that PostgreSQL refuses takes no other of its batch down', async () => {
  await using db = await testDatabase()
  await using driver = await opened(db.url)
  const batch = [...Array.from({ length: 6 }, (_, index) => item(`g${index}`, 'good')), item('huge', hugeText())]
  batch.splice(3, 0, item('huge-too', hugeText()))
  const outcomes = await driver.put(batch)
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    batch.map(({ id }) => (id.startsWith('huge') ? 'refused' : 'stored')),
  )
  assert.match((outcomes[3] as { error: string }).error, /tsvector/)
  assert.equal((await driver.search({ ...query, text: 'good' })).total, 6)
  await driver.put([{ id: 'huge', version: 2 }])
  assert.deepEqual(await driver.put([item('huge', hugeText())]), [{ id: 'huge', outcome: 'older' }])
})

test('indexes in one database do not see each other', async () => {
  await using db = await testDatabase()
  await using one = await opened(db.url, 'one')
  await using two = await opened(db.url, 'two')
  await one.put([item('1', 'sunset in one')])
  await two.put([item('2', 'sunrise in two')])
  const found = await two.search({ ...query, text: 'sun', facets: ['tags'] })
  assert.deepEqual([found.hits.map(({ id }) => id), found.facets], [['2'], { tags: [{ value: 't', count: 1 }] }])
  assert.equal((await two.search({ ...query, text: 'sunset' })).corrected, undefined)
  assert.deepEqual(await two.complete('sun', 5), ['sunrise in two'])
  assert.deepEqual((await two.stats()).documents, 1)
  assert.equal(await one.rebuild((async function* () {})()), 0)
  assert.equal((await two.search({ ...query, text: '' })).total, 1)
})

test('a rebuild whose process died is given up and its rows are removed', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using driver = await opened(db.url)
  await driver.put([item('1', 'old')])
  const reached = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const stuck = driver.rebuild(
    (async function* () {
      yield [item('2', 'half')]
      reached.resolve()
      await go.promise
      yield [item('3', 'more')]
    })(),
  )
  stuck.catch(() => undefined)
  await reached.promise
  await assert.rejects(driver.rebuild((async function* () {})()), { code: 'conflict' })
  await sql.query(
    `update ashlar.search_generations set beat_at = now() - interval '2 minutes' where state = 'building'`,
  )
  assert.equal(await driver.rebuild(one(item('4', 'new'))), 1)
  go.resolve()
  await assert.rejects(stuck, { code: 'conflict' })
  assert.deepEqual(
    (await driver.search({ ...query, text: '' })).hits.map(({ id }) => id),
    ['4'],
  )
  const { rows } = await sql.query<{ state: string; ids: string[]; words: string[] }>(
    `select state, array(select id from ashlar.search_documents d where d.generation = g.generation) as ids,
       array(select word from ashlar.search_words w where w.generation = g.generation) as words
     from ashlar.search_generations g`,
  )
  assert.deepEqual(rows, [{ state: 'live', ids: ['4'], words: ['new'] }])
  const left = await sql.query('select 1 from ashlar.search_documents')
  assert.equal(left.rowCount, 1, 'nothing of other generations is left')
})

async function* one(...items: Indexing[]): AsyncGenerator<Indexing[]> {
  yield items
}

test('searches that run while the index is swapped find it whole, from a process that did not rebuild', async () => {
  await using db = await testDatabase()
  await using driver = await opened(db.url)
  await using other = await opened(db.url)
  const documents = Array.from({ length: 200 }, (_, index) => item(`d${index}`, 'everywhere'))
  await driver.put(documents)
  const ended = new AbortController()
  const totals = new Set<number>()
  const searcher = (async () => {
    while (!ended.signal.aborted) totals.add((await other.search({ ...query, text: 'everywhere' })).total)
  })()
  for (let round = 0; round < 5; round++) await driver.rebuild(one(...documents))
  ended.abort()
  await searcher
  assert.deepEqual([...totals], [200])
  assert.deepEqual(await other.complete('every', 5), ['everywhere'])
})

test('tombstones are forgotten after a week, documents never', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using driver = await opened(db.url)
  await driver.put([item('1', 'x'), { id: 'old', version: 5 }, { id: 'fresh', version: 5 }])
  await sql.query(`update ashlar.search_documents set changed_at = now() - interval '8 days' where id in ('1', 'old')`)
  await forgetDeleted(sql, 'test.docs')
  await dropLeftovers(sql, 'test.docs')
  const { rows } = await sql.query('select id from ashlar.search_documents order by id')
  assert.deepEqual(rows, [{ id: '1' }, { id: 'fresh' }])
})

test('batches of the same documents from several processes do not lock each other out', async () => {
  await using db = await testDatabase()
  await using driver = await opened(db.url)
  await using other = await opened(db.url)
  const batch = (round: number) =>
    Array.from({ length: 30 }, (_, index) =>
      item(`d${(index * 7 + round) % 30}`, `w${(index + round) % 40} z${round}`, round),
    )
  await Promise.all(Array.from({ length: 30 }, (_, round) => (round % 2 ? driver : other).put(batch(round + 1))))
  const { hits, total } = await driver.search({ ...query, text: 'z30' })
  assert.equal(total, 30)
  assert.equal(hits.length, 10)
})

test('words and filters are looked up in the index, not by reading every row', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using driver = await opened(db.url)
  for (let at = 0; at < 4000; at += 500)
    await driver.put(Array.from({ length: 500 }, (_, index) => item(`d${at + index}`, `w${at + index} common`)))
  await sql.query('analyze ashlar.search_documents')
  await driver.search({ ...query, text: 'w77 common' })
  const { rows } = await sql.query<{ 'QUERY PLAN': string }>(
    `explain select id from ashlar.search_documents where generation = 1 and words @@ '''1:w77'''::tsquery and not deleted`,
  )
  assert.match(rows.map((row) => row['QUERY PLAN']).join('\n'), /search_documents_words/)
})

test('a URL option that is not known is refused', async () => {
  await using db = await testDatabase()
  await assert.rejects(opened(`${db.url}?colour=red`), { code: 'invalid_argument', message: /colour/ })
})

test('closing waits for nothing that is left behind', async () => {
  await using db = await testDatabase()
  const driver = await opened(db.url)
  await driver.close()
  await driver.close()
  await until('it is closed', async () =>
    driver.search({ ...query, text: 'x' }).then(
      () => false,
      () => true,
    ),
  )
})
