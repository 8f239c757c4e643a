import assert from 'node:assert/strict'
import { until, type Case, type Suite } from '../../conformance.ts'
import { readingOwnWrites, type WrittenUpTo } from '../../postgres/consistency.ts'
import type { Database, DatabaseOptions } from './database.ts'
import { json } from './template.ts'

/** What the suite needs of a test set-up: one empty database, and hands on its replica and its network. */
export interface DatabaseHarness {
  /** A handle on the same empty database each time; the harness closes it. */
  open(options?: DatabaseOptions): Promise<Database>
  /** Stops (or resumes) replaying on the replica, which goes on answering. With the capability `replicas`. */
  replay(on: boolean): Promise<void>
  /** What happens between the handle and the replica: nothing passes, or all is cut and refused. With `replicas`. */
  network(state: 'well' | 'cut' | 'frozen'): void
  /** Breaks every connection to the primary from the server's side. */
  breakConnections(): Promise<void>
  /** Makes the replica the primary, the other one its replica. With the capability `failover`. */
  failOver(): Promise<void>
}

type DatabaseCase = Case<DatabaseHarness>

const table = (db: Database) => db.run`create table items (id int primary key, name text)`
const names = async (db: Pick<Database, 'many'>) =>
  (await db.many<{ name: string }>`select name from items order by id`).map(({ name }) => name)

const statements: DatabaseCase[] = [
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

const transactions: DatabaseCase[] = [
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

const connections: DatabaseCase[] = [
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

const reads: DatabaseCase[] = [
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

/** What the `database` block promises. Capabilities: `replicas`, `failover`. */
export const databaseSuite: Suite<DatabaseHarness> = {
  block: 'database',
  cases: [...statements, ...transactions, ...reads, ...connections],
}
