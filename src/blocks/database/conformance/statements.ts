import assert from 'node:assert/strict'
import { json } from '../template.ts'
import { table, type DatabaseCase } from './harness.ts'

export const statementCases: DatabaseCase[] = [
  {
    name: 'gives back the values that it was given',
    async run(harness) {
      const db = await harness.open()
      await db.run`create table sent (tags text[], at timestamptz, bytes bytea, doc jsonb, list jsonb, big int8, none text)`
      const at = new Date('2024-02-29T23:59:59.123Z')
      const doc = { a: [1, null, 'x'], b: { c: '"quoted" \\ é 😀' } }
      const tags = ['plain', 'with "quotes"', 'a,b', '', 'null', '\\']
      const bytes = Buffer.from([0, 255, 10])
      await db.run`insert into sent values (${tags}, ${at}, ${bytes}, ${doc}, ${json([1, { two: 2 }])}, ${9_007_199_254_740_993n}, ${null})`
      assert.deepEqual(await db.one`select * from sent`, {
        tags,
        at,
        bytes,
        doc,
        list: [1, { two: 2 }],
        big: 9_007_199_254_740_993n,
        none: null,
      })
      assert.deepEqual(await db.one`select count(*) as n, ${[1, 2]}::int[] as list from sent`, { n: 1, list: [1, 2] })
    },
  },
  {
    name: 'never takes a value for a part of the statement',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const evil = `'; drop table items; --`
      await db.run`insert into items values (1, ${evil})`
      assert.deepEqual(await db.maybe`select name from items where name = ${evil}`, { name: evil })
      assert.equal(await db.maybe`select 1 from items where name = ${'x'}`, undefined)
    },
  },
  {
    name: 'says how many rows there were when it is not the number asked for',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await assert.rejects(db.one`select * from items`, { code: 'not_found' })
      assert.equal(await db.run`insert into items values (1, 'a'), (2, 'b')`, 2)
      await assert.rejects(db.one`select * from items`, { code: 'conflict' })
      await assert.rejects(db.maybe`select * from items`, { code: 'conflict' })
    },
  },
  {
    name: 'names what is wrong with a statement, and keeps the errors of pg for libraries',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await db.run`insert into items values (1, 'a')`
      await assert.rejects(db.run`insert into items values (1, 'b')`, { name: 'AshlarError', code: 'already_exists' })
      await assert.rejects(db.query('insert into items values ($1, $2)', [1, 'b']), { code: '23505' })
      await assert.rejects(db.run`insert into nowhere values (1)`, { code: 'invalid_argument', message: /nowhere/ })
      await assert.rejects(db.one`select ${undefined}`, { code: 'invalid_argument', message: /value 1 .* undefined/ })
    },
  },
  {
    name: 'refuses more values than the protocol can count, and takes as many rows as an array',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const ids = Array.from({ length: 70_000 }, (_, index) => index)
      const rows = ids.map((id) => `($${id + 1})`).join(',')
      await assert.rejects(async () => db.query(`insert into items (id) values ${rows}`, ids), {
        code: 'invalid_argument',
        message: /70000 values.*65535/,
      })
      assert.equal(await db.run`insert into items (id) select unnest(${ids}::int[])`, 70_000)
    },
  },
]
