import assert from 'node:assert/strict'
import dns from 'node:dns'
import { createServer } from 'node:net'
import { test } from 'node:test'
import pg from 'pg'
import { openProxy } from '../../test/faults/proxy.ts'
import { startTestCluster, testDatabase } from '../../test/servers/postgres.ts'
import { until } from '../conformance.ts'
import { openSql } from './open.ts'
import type { Transaction } from './sql.ts'
import { parsePostgresUrl } from './url.ts'

/** An empty database behind a proxy, by one host name. */
async function behindProxy(options = '', host = '127.0.0.1', listenHost = host) {
  const db = await testDatabase()
  const { hosts } = parsePostgresUrl(db.url)
  const primary = await findPrimary(db.url)
  const proxy = await openProxy(hosts[primary]!, listenHost)
  const url = `${db.url.replace(/@[^/]+\//, `@${host}:${proxy.port}/`)}${options}`
  return {
    url,
    direct: db.url,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}

async function findPrimary(url: string): Promise<number> {
  const { hosts } = parsePostgresUrl(url)
  for (const [index, { host, port }] of hosts.entries()) {
    await using sql = openSql(url.replace(/@[^/]+\//, `@${host}:${port}/`))
    const { rows } = await sql.query<{ replica: boolean }>('select pg_is_in_recovery() as replica')
    if (!rows[0]!.replica) return index
  }
  throw new Error('no primary')
}

test('users of one URL share one pool, which closes with the last of them', async () => {
  await using db = await behindProxy()
  const first = openSql(db.url)
  const second = openSql(db.url)
  await first.query('select 1')
  await second.query('select 1')
  assert.equal(db.proxy.accepted, 1)
  await first.close()
  await first.close()
  assert.equal((await second.query('select 1')).rowCount, 1)
  await assert.rejects(first.query('select 1'), { code: 'closed' })
  await second.close()
  await assert.rejects(second.query('select 1'), { code: 'closed' })
})

test('loses idle connections without a word, and works again at the next statement', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  await Promise.all([sql.query('select pg_sleep(0.05)'), sql.query('select pg_sleep(0.05)')])
  db.proxy.cut()
  await until('they are gone', () => sql.connections().total === 0)
  await assert.rejects(sql.query('select 1'), { code: 'ECONNRESET' })
  db.proxy.heal()
  assert.equal((await sql.query('select 1')).rowCount, 1)
})

test('a connection that dies inside a transaction fails it, and is not used again', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  await sql.query('create table a (id int)')
  const lost = sql.transaction(async (tx) => {
    await tx.sql.query('insert into a values (1)')
    db.proxy.cut()
    db.proxy.heal()
    await tx.sql.query('insert into a values (2)')
  })
  await assert.rejects(lost, /ECONNRESET|Connection terminated|not queryable/)
  assert.equal((await sql.query('select * from a')).rowCount, 0)
})

test('a connection that breaks during the commit leaves the answer open, and says so', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  const doubtful = sql.transaction(async (tx) => {
    await tx.sql.query('select 1')
    db.proxy.freeze()
    setTimeout(() => db.proxy.cut(), 50)
  })
  await assert.rejects(doubtful, { code: 'unavailable', retryable: false, message: /may have happened or not/ })
  db.proxy.heal()
})

test('a transaction whose failed statement was caught is not reported as committed', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  let ran = false
  const swallowed = sql.transaction(async (tx) => {
    tx.afterCommit(() => void (ran = true))
    await tx.sql.query('select 1/0').catch(() => undefined)
  })
  await assert.rejects(swallowed, { code: 'conflict' })
  assert.equal(ran, false)
})

test('a transaction that has ended refuses statements instead of giving them to whoever has its connection now', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  let kept: Transaction | undefined
  await sql.transaction(async (tx) => void (kept = tx))
  await assert.rejects(async () => kept!.sql.query('select 1'), { code: 'closed' })
})

test('a connection given back inside a transaction is not used again', async () => {
  await using db = await behindProxy('?pool_size=1')
  await using sql = openSql(db.url)
  await sql.withClient((client) => client.query('begin'))
  const { rows } = await sql.query<{ alone: boolean }>('select now() = statement_timestamp() as alone')
  assert.equal(rows[0]!.alone, true)
})

test('names the wait when every connection is in use, and queues nothing for ever', async () => {
  await using db = await behindProxy('?pool_size=2')
  await using sql = openSql(db.url)
  const release = Promise.withResolvers<void>()
  const holding = [1, 2].map(() => sql.transaction(() => release.promise))
  await until('both are taken', () => sql.connections().total === 2 && sql.connections().idle === 0)
  const waiting = sql.withClient((client) => client.query('select 1'), { acquireMs: 50 })
  await assert.rejects(waiting, { code: 'timeout', message: /within 50 ms: 2 of 2 in use.*pool_size/ })
  release.resolve()
  await Promise.all(holding)
  assert.equal((await sql.query('select 1')).rowCount, 1)
})

test('ten transactions whose inner calls join them get through a pool of two', async () => {
  await using db = await behindProxy('?pool_size=2')
  await using sql = openSql(db.url)
  await sql.query('create table a (id int)')
  const all = Array.from({ length: 10 }, (_, id) =>
    sql.transaction(async (tx) => {
      await tx.sql.query('insert into a values ($1)', [id])
      tx.afterCommit(async (after) => void (await after.query('select 1')))
    }),
  )
  await Promise.all(all)
  assert.equal((await sql.query('select * from a')).rowCount, 10)
})

test('many statements at once in one transaction take turns', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  const seen = await sql.transaction((tx) =>
    Promise.all(Array.from({ length: 20 }, (_, id) => tx.sql.query<{ id: number }>('select $1::int as id', [id]))),
  )
  assert.deepEqual(
    seen.map(({ rows }) => rows[0]!.id),
    Array.from({ length: 20 }, (_, id) => id),
  )
})

for (const listening of ['127.0.0.1', '::1']) {
  test(`connects to a name that leads to ::1 and 127.0.0.1 when the server listens on ${listening} only`, async (t) => {
    const both = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]
    await using db = await behindProxy('', 'localhost', listening)
    t.mock.method(dns, 'lookup', (...of: unknown[]) => {
      ;(of.at(-1) as (error: null, found: unknown) => void)(null, both)
    })
    await using sql = openSql(db.url)
    assert.equal((await sql.query('select 1')).rowCount, 1)
  })
}

test('a host that accepts but says nothing is named after five seconds', async () => {
  const mute = createServer(() => undefined)
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  mute.unref()
  const { port } = mute.address() as { port: number }
  await using sql = openSql(`postgres://u:p@127.0.0.1:${port}/d`)
  await assert.rejects(sql.query('select 1'), {
    message: new RegExp(`no answer from 127.0.0.1:${port} within 5000 ms`),
  })
})

test('hears notifications, again after its connection was lost, and tells of the gap', async () => {
  await using db = await behindProxy('?pool_size=1')
  await using sql = openSql(db.url)
  const heard: string[] = []
  let gaps = 0
  const leave = await sql.listen(
    'Channel "x"',
    (payload) => void heard.push(payload),
    () => void gaps++,
  )
  await sql.listen('Channel "x"', () => {
    throw new Error('a subscriber may be wrong')
  })
  await sql.query(`select pg_notify('Channel "x"', '1')`)
  await until('it is heard', () => heard.length === 1)
  db.proxy.cut()
  await until('the loss is told', () => gaps > 0)
  db.proxy.heal()
  await until('it listens again', async () => {
    await sql.query(`select pg_notify('Channel "x"', '2')`).catch(() => undefined)
    return heard.includes('2')
  })
  await leave()
  await leave()
})

test('listening never fails: it begins when the database is back', async () => {
  await using db = await behindProxy()
  await using sql = openSql(db.url)
  db.proxy.cut()
  let gaps = 0
  const heard: string[] = []
  await sql.listen(
    'c',
    (payload) => void heard.push(payload),
    () => void gaps++,
  )
  db.proxy.heal()
  await until('it listens', () => gaps > 0)
  await sql.query(`select pg_notify('c', 'x')`)
  await until('it hears', () => heard.length === 1)
})

test('finds the primary among several hosts, and again when it has moved, without a failed statement', async () => {
  await using cluster = await startTestCluster({ replicas: 1 })
  await cluster.cluster.ready()
  await using sql = openSql(cluster.url)
  await sql.query('create table a (id int)')
  const heard: string[] = []
  await sql.listen('c', (payload) => void heard.push(payload))
  const replica = cluster.cluster.members.find(({ role }) => role === 'replica')!
  await cluster.cluster.promote(replica.name)
  await sql.query('insert into a values (1)')
  await until('it listens on the new one', async () => {
    await sql.query(`select pg_notify('c', 'x')`)
    return heard.length > 0
  })
  await using other = openSql(`${cluster.url}?application_name=other`)
  const client = new pg.Client({ connectionString: cluster.url.replace(/@[^/]+\//, `@127.0.0.1:${replica.port}/`) })
  await client.connect()
  assert.equal((await client.query('select * from a')).rowCount, 1)
  await client.end()
  assert.equal((await other.query('select * from a')).rowCount, 1)
})

test('says of every host why it is not the primary', async () => {
  await using sql = openSql('postgres://u:p@127.0.0.1:1,127.0.0.1:2/d')
  await assert.rejects(sql.query('select 1'), {
    code: 'unavailable',
    message: /127\.0\.0\.1:1 .*ECONNREFUSED.*127\.0\.0\.1:2 .*ECONNREFUSED/,
  })
})

test('closing waits for a statement under way, but not for ever', async () => {
  await using db = await behindProxy()
  const sql = openSql(db.url)
  const short = sql.query('select pg_sleep(0.2)')
  const stuck = sql.withClient(() => new Promise(() => undefined))
  await until('both are under way', () => sql.connections().total === 2 && sql.connections().idle === 0)
  void stuck
  const started = performance.now()
  await sql.close()
  assert.equal((await short).rowCount, 1)
  assert.ok(performance.now() - started < 9_500)
})

test('a statement on a network that went silent ends once somebody waits in vain for its connection', async () => {
  await using db = await behindProxy('?pool_size=1')
  await using sql = openSql(db.url)
  await sql.query('select 1')
  db.proxy.freeze()
  const stuck = assert.rejects(sql.query('select 1'), /Connection terminated/)
  await assert.rejects(
    sql.withClient((client) => client.query('select 1'), { acquireMs: 50 }),
    { code: 'timeout' },
  )
  await stuck
  db.proxy.cut()
  db.proxy.heal()
  assert.equal((await sql.query('select 1')).rowCount, 1)
})
