import assert from 'node:assert/strict'
import { until } from '../../../conformance.ts'
import { readingOwnWrites, type WrittenUpTo } from '../../../postgres/consistency.ts'
import type { Database } from '../database.ts'
import { names, table, type DatabaseCase } from './harness.ts'

/** Where the reads of this work went: to the replica, to the primary. */
async function whereTo(db: Database, work: () => Promise<unknown>): Promise<string> {
  const before = await db.stats()
  await work()
  const after = await db.stats()
  const went = (name: string) => after[name]! - before[name]!
  return `${went('readsReplica')} replica, ${went('readsPrimary')} primary`
}

/** Until the replica is known to have replayed all that there is. */
async function replicaIsUsed(db: Database): Promise<void> {
  await until('the replica serves reads', async () => {
    return (await whereTo(db, () => db.read.one`select 1`)) === '1 replica, 0 primary'
  })
}

async function replicaHas(db: Database, ...expected: string[]): Promise<void> {
  await until('the replica has it', async () => {
    let found: string[] = []
    const went = await whereTo(db, async () => (found = await names(db.read).catch(() => ['nothing yet'])))
    return went === '1 replica, 0 primary' && JSON.stringify(found) === JSON.stringify(expected)
  })
}

export const readCases: DatabaseCase[] = [
  {
    name: 'reads from a replica that has caught up',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await db.run`insert into items values (1, 'a')`
      await replicaHas(db, 'a')
      assert.equal(await whereTo(db, () => db.many`select * from items`), '0 replica, 0 primary')
    },
  },
  {
    name: 'reads what this request has written, and old data only outside of it',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await replicaHas(db)
      await harness.replay(false)
      const writes: (() => Promise<unknown>)[] = [
        () => db.run`insert into items values (1, '1')`,
        () => db.query(`with added as (insert into items values (2, '2') returning 1) select * from added`),
        () => db.transaction((tx) => tx.run`insert into items values (3, '3')`),
        () => db.transaction((tx) => tx.sql.query(`insert into items values (4, '4')`)),
        () =>
          db.connect().then((client) => client.query(`insert into items values (5, '5')`).then(() => client.release())),
        async () => {
          const client = await db.connect()
          await client.query('begin')
          await client.query(`insert into items values (6, '6')`)
          await client.query('commit')
          client.release()
        },
      ]
      for (const [index, write] of writes.entries()) {
        const position: WrittenUpTo = { lsn: undefined }
        await readingOwnWrites(position, write)
        assert.ok(position.lsn, `write ${index + 1} noted its position`)
        const request: WrittenUpTo = { lsn: position.lsn } // as if it came with the next request's cookie
        const seen = await readingOwnWrites(request, () => names(db.read))
        assert.equal(seen.at(-1), String(index + 1))
        assert.equal(request.lsn, position.lsn)
        const pooled = await readingOwnWrites(request, () => db.read.connect())
        assert.equal((await pooled.query('select * from items')).rowCount, index + 1)
        pooled.release()
      }
      assert.deepEqual(await names(db.read), [], 'without a position the replica may be old')
      await harness.replay(true)
    },
  },
  {
    name: 'goes back to the replica as soon as it has replayed the write',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      await replicaIsUsed(db)
      const position: WrittenUpTo = { lsn: undefined }
      await readingOwnWrites(position, () => db.run`insert into items values (1, 'a')`)
      await until('a replica serves it', async () => {
        const read = () => readingOwnWrites(position, () => names(db.read))
        assert.deepEqual(await read(), ['a'])
        return (await whereTo(db, read)) === '1 replica, 0 primary'
      })
    },
  },
  {
    name: 'forgets a position that the primary has never reached, and heeds none that is malformed',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await replicaIsUsed(db)
      for (const lsn of ['FFFFFFFF/FFFFFFFF', 'nonsense']) {
        const position: WrittenUpTo = { lsn }
        const went = await whereTo(db, () => readingOwnWrites(position, () => db.read.one`select 1`))
        assert.equal(went, '1 replica, 0 primary')
        assert.equal(position.lsn, undefined)
      }
    },
  },
  {
    name: 'gives a replica that lags too far no reads, until it has caught up',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open({ maxLag: '500ms' })
      await table(db)
      await replicaHas(db)
      await harness.replay(false)
      await db.run`insert into items values (1, 'a')`
      await until('reads go to the primary', async () => (await names(db.read)).length === 1)
      assert.equal(await whereTo(db, () => names(db.read)), '0 replica, 1 primary')
      assert.ok((await db.stats())['lagMs']! > 500)
      await harness.replay(true)
      await replicaIsUsed(db)
    },
  },
  {
    name: 'fails no read when the replica refuses connections, and uses it again when it is back',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await replicaIsUsed(db)
      harness.network('cut')
      for (let index = 0; index < 100; index++) await db.read.one`select 1`
      await Promise.all(Array.from({ length: 20 }, async () => (await db.read.connect()).release()))
      assert.equal((await db.stats())['replicas'], 0)
      harness.network('well')
      await replicaIsUsed(db)
    },
  },
  {
    name: 'fails no read when the replica falls silent in the middle of it',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await replicaIsUsed(db)
      harness.network('frozen')
      const seen = await Promise.all(Array.from({ length: 5 }, () => db.read.one`select 1 as one`))
      assert.equal(seen.length, 5)
      harness.network('well')
    },
  },
  {
    name: 'does not repeat an error in a statement elsewhere',
    needs: 'replicas',
    async run(harness) {
      const db = await harness.open()
      await replicaIsUsed(db)
      const went = await whereTo(db, () => assert.rejects(db.read.one`select 1 / 0`, { code: 'invalid_argument' }))
      assert.equal(went, '0 replica, 0 primary')
      await assert.rejects(db.read.query('select * from nowhere'), { code: '42P01' })
    },
  },
  {
    name: 'refuses to write through read, wherever it would have gone',
    async run(harness) {
      const db = await harness.open()
      await table(db)
      const writes = [
        `insert into items values (1, 'a')`,
        `with gone as (delete from items returning *) select * from gone`,
        `-- a comment\n update "items" set name = 'b'`,
        'with x as (update "items" set name = $$b$$ returning 1) select * from x',
        'select * from items for update',
        'drop table items',
      ]
      for (const text of writes) await assert.rejects(async () => db.read.query(text), { code: 'unsupported' }, text)
      const client = await db.read.connect()
      await assert.rejects(async () => client.query(writes[0]!), { code: 'unsupported' })
      client.release()
      await db.read.many`select 'insert into items', "name" from items -- delete from items`
    },
  },
]
