import assert from 'node:assert/strict'
import { until } from '../../../conformance.ts'
import { names, table, type DatabaseCase } from './harness.ts'

export const connectionCases: DatabaseCase[] = [
  {
    name: 'names the wait when all connections are in use, and serves again when one is free',
    async run(harness) {
      const db = await harness.open({ acquire: '1s' })
      const held = []
      for (let taken = 0; taken < 10; taken++) held.push(await db.connect()) // the pool's size, by default
      await assert.rejects(db.one`select 1`, { code: 'timeout', message: /no free database connection .* 1000 ms/ })
      for (const client of held) client.release()
      assert.deepEqual(await db.one`select 1 as one`, { one: 1 })
    },
  },
  {
    name: 'survives the loss of its connections, idle and in use',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const lost = db.transaction(async (tx) => {
        await tx.run`insert into items values (1, 'lost')`
        await harness.breakConnections()
        await tx.run`insert into items values (2, 'lost, too')`
      })
      await assert.rejects(lost)
      assert.deepEqual(await names(db), [])
      await db.one`select 1`
    },
  },
  {
    name: 'writes again without a restart when another member has become the primary',
    needs: 'failover',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const client = await db.connect()
      await client.query(`insert into items values (1, 'before')`)
      client.release()
      await harness.failOver()
      await until('writes are taken', () => db.run`insert into items values (2, 'after')`.then(Boolean, () => false))
      assert.deepEqual(await names(db), ['before', 'after'])
      await until('reads find a replica', async () => {
        await db.read.one`select 1`
        return (await db.stats())['readsReplica']! > 0
      })
    },
  },
  {
    name: 'is closed once and for all, and closing twice is harmless',
    async run(harness) {
      const db = await harness.open()
      await db.one`select 1`
      await Promise.all([db.close(), db.close(), db.end()])
      await assert.rejects(db.one`select 1`, { code: 'closed' })
      assert.equal((await db.health()).ok, false)
    },
  },
]
