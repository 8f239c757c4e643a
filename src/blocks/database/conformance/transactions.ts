import assert from 'node:assert/strict'
import { until } from '../../../conformance.ts'
import { names, table, type DatabaseCase } from './harness.ts'

export const transactionCases: DatabaseCase[] = [
  {
    name: 'commits all of a transaction or nothing',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const broken = db.transaction(async (tx) => {
        await tx.run`insert into items values (1, 'lost')`
        throw new Error('changed my mind')
      })
      await assert.rejects(broken, { message: 'changed my mind' })
      assert.deepEqual(await names(db), [])
      await db.transaction(async (tx) => {
        await tx.run`insert into items values (1, 'kept')`
        assert.deepEqual(await names(db), [], 'nobody else sees it yet')
        assert.deepEqual(await names(tx), ['kept'])
      })
      assert.deepEqual(await names(db), ['kept'])
    },
  },
  {
    name: 'undoes an inner transaction alone, also when several start at once',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await db.transaction(async (tx) => {
        await tx.run`insert into items values (1, 'outer')`
        const inner = [2, 3, 4].map((id) =>
          db.transaction(async (part) => {
            await part.run`insert into items values (${id}, ${`inner ${id}`})`
            await db.transaction((deeper) => deeper.run`update items set name = name || '!' where id = ${id}`)
            if (id === 3) await part.run`insert into items values (1, 'there already')`
          }),
        )
        const outcomes = await Promise.allSettled(inner)
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        )
      })
      assert.deepEqual(await names(db), ['outer', 'inner 2!', 'inner 4!'])
    },
  },
  {
    name: 'never reports a commit that the server made a rollback',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const swallowed = db.transaction(async (tx) => {
        await tx.run`insert into items values (1, 'a')`
        await tx.run`insert into items values (1, 'again')`.catch(() => undefined)
      })
      await assert.rejects(swallowed, { code: 'conflict', message: /rolled everything back/ })
      assert.deepEqual(await names(db), [])
    },
  },
  {
    name: 'runs what waits for the commit after it, and never after a rollback',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const ran: string[] = []
      await db.transaction(async (tx) => {
        tx.afterCommit(async (sql) => void ran.push(`committed ${(await sql.query('select from items')).rowCount}`))
        await tx.run`insert into items values (1, 'a')`
        const part = db.transaction(async (inner) => {
          inner.afterCommit(() => void ran.push('undone part'))
          throw new Error('no')
        })
        await part.catch(() => undefined)
      })
      const broken = db.transaction(async (tx) => {
        tx.afterCommit(() => void ran.push('undone'))
        throw new Error('no')
      })
      await broken.catch(() => undefined)
      await until('it ran', () => ran.length > 0)
      assert.deepEqual(ran, ['committed 1'])
    },
  },
  {
    name: 'refuses to be used when it has ended',
    async run(harness) {
      const db = await harness.open()
      const tx = await db.transaction(async (open) => open)
      await assert.rejects(async () => tx.one`select 1`, { code: 'closed' })
      await assert.rejects(async () => tx.query('select 1'), { code: 'closed' })
      await assert.rejects(async () => tx.sql.query('select 1'), { code: 'closed' })
    },
  },
  {
    name: 'tries again what collided with another transaction, where isolation was asked for',
    async run(harness) {
      const db = await harness.open()
      await db.run`create table account (id int primary key, amount int)`
      await db.run`insert into account values (1, 0)`
      let reads = 0
      const add = () =>
        db.transaction(
          async (tx) => {
            const { amount } = await tx.one<{ amount: number }>`select amount from account`
            reads++
            await until('all have read before the first one writes', () => reads >= 3)
            await tx.run`update account set amount = ${amount + 1}`
          },
          { isolation: 'serializable' },
        )
      await Promise.all([add(), add(), add()])
      assert.deepEqual(await db.one`select amount from account`, { amount: 3 })
    },
  },
  {
    name: 'writes nothing in a read-only transaction',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await assert.rejects(db.transaction((tx) => tx.run`insert into items values (1, 'a')`, { readOnly: true }))
      assert.deepEqual(await names(db), [])
    },
  },
]
