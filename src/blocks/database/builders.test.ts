import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect, sql, type Generated } from 'kysely'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { readingOwnWrites, type WrittenUpTo } from '../../postgres/consistency.ts'
import { database } from './index.ts'

interface Tables {
  person: { id: Generated<number>; name: string; born: Date | null }
}

const person = pgTable('person', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull(),
  born: timestamp('born', { withTimezone: true }),
})

async function opened() {
  const test = await testDatabase()
  const db = await database('db', { url: test.url, replicas: 0 })
  await db.run`create table person (id int generated always as identity primary key, name text not null unique, born timestamptz)`
  const names = async () =>
    (await db.many<{ name: string }>`select name from person order by id`).map(({ name }) => name)
  return {
    db,
    names,
    async [Symbol.asyncDispose]() {
      await db.close()
      await test[Symbol.asyncDispose]()
    },
  }
}

test('Kysely inserts, selects, commits and rolls back through the handle, and selects through read', async () => {
  await using open = await opened()
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: open.db }) })
  const born = new Date('1815-12-10T00:00:00Z')
  await kysely.insertInto('person').values({ name: 'Ada', born }).execute()
  await kysely.transaction().execute((tx) => tx.insertInto('person').values({ name: 'Grace' }).execute())
  const broken = kysely.transaction().execute(async (tx) => {
    await tx.insertInto('person').values({ name: 'Nobody' }).execute()
    throw new Error('no')
  })
  await assert.rejects(broken, /no/)
  const { rows } = await sql<{ n: string }>`select count(*) as n from person`.execute(kysely)
  assert.equal(rows[0]!.n, '2', 'as pg itself gives an int8')
  await assert.rejects(kysely.insertInto('person').values({ name: 'Ada' }).execute(), { code: '23505' })

  const reading = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: open.db.read }) })
  const found = await reading.selectFrom('person').select(['name', 'born']).where('name', '=', 'Ada').executeTakeFirst()
  assert.deepEqual(found, { name: 'Ada', born })
  await assert.rejects(reading.insertInto('person').values({ name: 'X' }).execute(), { code: 'unsupported' })
  await reading.destroy()
  assert.deepEqual(await open.names(), ['Ada', 'Grace'], 'destroying a reader closes nothing')
})

test('Drizzle inserts, selects, commits, nests and rolls back through the handle, and selects through read', async () => {
  await using open = await opened()
  const orm = drizzle(open.db)
  const born = new Date('1906-12-09T00:00:00Z')
  await orm.insert(person).values({ name: 'Grace', born })
  await orm.transaction(async (tx) => {
    await tx.insert(person).values({ name: 'Ada' })
    const nested = tx.transaction(async (part) => {
      await part.insert(person).values({ name: 'Undone' })
      throw new Error('no')
    })
    await assert.rejects(nested, /no/)
  })
  const broken = orm.transaction(async (tx) => {
    await tx.insert(person).values({ name: 'Nobody' })
    throw new Error('no')
  })
  await assert.rejects(broken, /no/)
  assert.deepEqual(await open.names(), ['Grace', 'Ada'])
  assert.equal(open.db.idleCount, open.db.totalCount, 'every connection was given back')

  const reading = drizzle({ client: open.db.read })
  assert.deepEqual(await reading.select().from(person).where(eq(person.name, 'Grace')), [
    { id: 1, name: 'Grace', born },
  ])
  const inTransaction = await reading.transaction((tx) => tx.select({ name: person.name }).from(person))
  assert.equal(inTransaction.length, 2)
})

test('both work inside of a transaction of the block, so that jobs and events commit with their rows', async () => {
  await using open = await opened()
  const broken = open.db.transaction(async (tx) => {
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: tx }) })
    await kysely.insertInto('person').values({ name: 'by Kysely' }).execute()
    await drizzle(tx as never)
      .insert(person)
      .values({ name: 'by Drizzle' })
    await assert.rejects(
      kysely.transaction().execute((own) => own.selectFrom('person').selectAll().execute()),
      { code: 'unsupported', message: /tx.transaction/ },
    )
    assert.equal((await tx.many`select * from person`).length, 2)
    assert.deepEqual(await open.names(), [])
    throw new Error('no')
  })
  await assert.rejects(broken, /no/)
  assert.deepEqual(await open.names(), [])
})

test('what they write is noted for the reads of the same request', async () => {
  await using open = await opened()
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: open.db }) })
  const orm = drizzle(open.db)
  const writes: (() => PromiseLike<unknown>)[] = [
    () => kysely.insertInto('person').values({ name: 'a' }).execute(),
    () => kysely.transaction().execute((tx) => tx.insertInto('person').values({ name: 'b' }).execute()),
    () => orm.insert(person).values({ name: 'c' }),
    () => orm.transaction((tx) => tx.insert(person).values({ name: 'd' })),
  ]
  for (const write of writes) {
    const position: WrittenUpTo = { lsn: undefined }
    await readingOwnWrites(position, async () => void (await write())) // an ORM's statement runs where it is awaited
    assert.ok(position.lsn)
  }
  const idle: WrittenUpTo = { lsn: undefined }
  await readingOwnWrites(idle, async () => {
    await kysely.selectFrom('person').selectAll().where('name', 'in', ['a', 'b']).execute()
    await orm.select().from(person).where(eq(person.name, 'c'))
  })
  assert.equal(idle.lsn, undefined, 'a read costs no second round trip')
})
