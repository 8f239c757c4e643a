import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { testDatabase } from '../../test/servers/postgres.ts'
import { migrate } from './migrate.ts'
import { toMigration } from './migrations.ts'
import { openSql } from './open.ts'
import type { Sql } from './sql.ts'

async function opened(folderName = 'migrations') {
  const db = await testDatabase()
  const sql = openSql(db.url)
  const base = await mkdtemp(path.join(os.tmpdir(), 'ashlar-migrate-'))
  const folder = path.join(base, folderName)
  await mkdir(folder)
  return {
    url: db.url,
    sql,
    folder,
    write: (name: string, text: string) => writeFile(path.join(folder, name), text),
    async [Symbol.asyncDispose]() {
      await sql.close()
      await rm(base, { recursive: true })
      await db[Symbol.asyncDispose]()
    },
  }
}

const tables = async (sql: Sql) =>
  (
    await sql.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema') and tablename <> 'migrations' order by 1`,
    )
  ).rows.map(({ name }) => name)

test('applies each file once, in the order of their names, and one that comes late', async () => {
  await using db = await opened()
  await db.write('0001_a.sql', 'create table a (id int)')
  await db.write('0003_c.sql', 'create table c (id int)')
  await db.write('notes.txt', 'not SQL')
  assert.deepEqual(await migrate(db.sql, 'app', db.folder), ['0001_a.sql', '0003_c.sql'])
  assert.deepEqual(await migrate(db.sql, 'app', db.folder), [])
  await db.write('0002_b.sql', 'create table b (id int)')
  assert.deepEqual(await migrate(db.sql, 'app', db.folder), ['0002_b.sql'])
  assert.deepEqual(await tables(db.sql), ['a', 'b', 'c'])
})

test('line ends and a byte order mark are no change, an edit is', async () => {
  await using db = await opened()
  await db.write('0001.sql', 'create table a (\n  id int\n)')
  await migrate(db.sql, 'app', db.folder)
  await db.write('0001.sql', '\uFEFFcreate table a (\r\n  id int\r\n)')
  assert.deepEqual(await migrate(db.sql, 'app', db.folder), [])
  await db.write('0001.sql', 'create table a (\n  id bigint\n)')
  await assert.rejects(migrate(db.sql, 'app', db.folder), { code: 'conflict', message: /0001.sql was changed/ })
})

test('a broken file is named with its line, and nothing of it is kept', async () => {
  await using db = await opened()
  await db.write(
    '0001.sql',
    "create table a (name text);\n-- 'é' and 😀 count as one character each\ncreate tabel b (id int);",
  )
  await assert.rejects(migrate(db.sql, 'app', db.folder), {
    code: 'invalid_argument',
    message: /0001\.sql failed at line 3: syntax error/,
  })
  assert.deepEqual(await tables(db.sql), [])
})

test('a statement that fails only when it runs is named with its line, too', async () => {
  await using db = await opened()
  await db.write(
    '0001.sql',
    "create table a (id int primary key);\ninsert into a values (1);\n\ninsert into a values (1);\nselect ';';",
  )
  await assert.rejects(migrate(db.sql, 'app', db.folder), {
    code: 'invalid_argument',
    message: /0001\.sql failed at line 4: duplicate key/,
  })
})

for (const name of ['with space', 'ünïcode é', 'a%20b', 'a#b', 'a?b']) {
  test(`reads a folder named '${name}', as a path and as a URL`, async () => {
    await using db = await opened(name)
    await db.write('0001 first é#%.sql', 'create table a (id int)')
    assert.deepEqual(await migrate(db.sql, 'app', db.folder), ['0001 first é#%.sql'])
    assert.deepEqual(await migrate(db.sql, 'app', pathToFileURL(db.folder)), [])
    assert.deepEqual(await migrate(db.sql, 'app', new URL(`${pathToFileURL(db.folder).href}/`)), [])
  })
}

test('a folder that is not there is named', async () => {
  await using db = await opened()
  await assert.rejects(migrate(db.sql, 'app', '/nowhere/at all'), {
    code: 'invalid_argument',
    message: /cannot read the folder \/nowhere\/at all/,
  })
})

test('ten starters on an empty database take turns', async () => {
  await using db = await opened()
  await db.write('0001.sql', 'create table a (id int)')
  await db.write('0002.sql', 'create table b (id int)')
  const starters = Array.from({ length: 10 }, (_, index) => openSql(`${db.url}?application_name=s${index}`))
  const applied = await Promise.all(starters.map((sql) => migrate(sql, 'app', db.folder)))
  await Promise.all(starters.map((sql) => sql.close()))
  assert.deepEqual(applied.flat().sort(), ['0001.sql', '0002.sql'])
})

test('a file outside of transactions runs once although many race, also create index concurrently', async () => {
  await using db = await opened()
  await db.write('0001.sql', 'create table a (id int)')
  await db.write('0002.sql', '-- ashlar: no transaction\ncreate index concurrently a_id on a (id);')
  const starters = Array.from({ length: 5 }, (_, index) => openSql(`${db.url}?application_name=s${index}`))
  const applied = await Promise.all(starters.map((sql) => migrate(sql, 'app', db.folder)))
  await Promise.all(starters.map((sql) => sql.close()))
  assert.deepEqual(applied.flat().sort(), ['0001.sql', '0002.sql'])
})

test('one round trip when nothing is to be done', async () => {
  await using db = await opened()
  await db.write('0001.sql', 'create table a (id int)')
  await migrate(db.sql, 'app', db.folder)
  let statements = 0
  const counting: Sql = Object.assign(Object.create(db.sql) as Sql, {
    withClient: <T>(work: Parameters<Sql['withClient']>[0]) =>
      db.sql.withClient(async (client) => {
        const query = client.query.bind(client) as (...args: unknown[]) => unknown
        client.query = ((...args: unknown[]) => (statements++, query(...args))) as typeof client.query
        return work(client).finally(() => Reflect.deleteProperty(client, 'query'))
      }) as Promise<T>,
  })
  assert.deepEqual(await migrate(counting, 'app', db.folder), [])
  assert.equal(statements, 1)
})

test('a file may not end its own transaction; bodies in quotes may say so', () => {
  assert.throws(
    () => toMigration('1.sql', 'create table a (id int);\n\n/* x */ COMMIT;'),
    /1\.sql, line 3: 'commit' would end/,
  )
  toMigration(
    '1.sql',
    "create procedure p() language plpgsql as $$ begin commit; end $$; select 'x; commit;' -- commit",
  )
  assert.throws(() => toMigration('1.sql', '-- ashlar: no transaction\nselect 1; select 2'), /exactly one/)
})
