import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestCluster, type TestCluster } from '../../../test/servers/postgres.ts'
import { isAshlarError } from '../../errors.ts'
import { ask } from './ask.ts'
import { until } from './wait.ts'

/** Statements to one member, and waiting for it. */
function at({ cluster, url }: TestCluster, name: string) {
  const password = /ashlar:([^@]+)@/.exec(url)![1]!
  const member = () => cluster.members.find((each) => each.name === name)!
  const rows = (text: string) => ask<Record<string, unknown>>({ port: member().port, password }, text)
  const count = async (table: string) => Number((await rows(`select count(*) as n from ${table}`))[0]!['n'])
  const has = (table: string, n: number) =>
    until(`${name} to have ${n}`, 20_000, async () => (await count(table).catch(() => -1)) === n)
  const healthy = () => until(`${name} to be healthy`, 30_000, () => member().healthy)
  return { rows, count, has, member, healthy }
}

test('a switchover loses nothing that was acknowledged, and the old primary follows', async () => {
  await using own = await startTestCluster({ replicas: 2 })
  const [a, b, c] = ['pg0', 'pg1', 'pg2'].map((name) => at(own, name)) as [At, At, At]
  await own.cluster.ready()
  await a.rows('create table t (n int)')
  let acknowledged = 0
  const writing = (async () => {
    try {
      for (; ; acknowledged++) await a.rows(`insert into t values (${acknowledged})`)
    } catch {
      // the primary has gone
    }
  })()
  await until('some writes', 10_000, () => acknowledged > 20)
  await own.cluster.promote('pg1')
  await writing
  const kept = await b.count('t')
  assert.ok(kept === acknowledged || kept === acknowledged + 1, `${kept} of ${acknowledged}`)
  await own.cluster.ready()
  await b.rows('insert into t values (-1)')
  await Promise.all([a.has('t', kept + 1), c.has('t', kept + 1)])
  assert.deepEqual(
    own.cluster.members.map(({ role }) => role),
    ['replica', 'primary', 'replica'],
  )
  await own.cluster.promote('pg0')
  await own.cluster.ready()
  assert.equal(await a.count('t'), kept + 1)
})

test('a failover takes over from a frozen primary, whose unshared rows vanish when it rejoins', async () => {
  await using own = await startTestCluster({ replicas: 1 })
  const [a, b] = ['pg0', 'pg1'].map((name) => at(own, name)) as [At, At]
  await own.cluster.ready()
  await a.rows('create table t (n int)')
  await b.has('t', 0)
  await b.rows(`alter system set primary_conninfo = ''`)
  await b.rows('select pg_reload_conf()')
  await until('no streaming', 5_000, async () => (await a.rows('select 1 from pg_stat_replication')).length === 0)
  await a.rows('insert into t select generate_series(1, 1000)')
  process.kill(a.member().pid!, 'SIGSTOP')
  await own.cluster.promote('pg1')
  await b.rows('insert into t values (1)')
  await own.cluster.ready()
  await a.has('t', 1)
})

test('a lagging replica applies late, and a promotion ends the lag', async () => {
  await using own = await startTestCluster({ replicas: 1 })
  const [a, b] = ['pg0', 'pg1'].map((name) => at(own, name)) as [At, At]
  await own.cluster.ready()
  await a.rows('create table t (n int)')
  await b.has('t', 0)
  await own.cluster.lag('pg1', 3600)
  assert.equal(b.member().lagSeconds, 3600)
  await until(
    'the setting',
    5_000,
    async () => (await b.rows('show recovery_min_apply_delay'))[0]!['recovery_min_apply_delay'] === '1h',
  )
  await a.rows('insert into t values (1)')
  await own.cluster.promote('pg1')
  assert.equal(await b.count('t'), 1)
  assert.equal(b.member().lagSeconds, undefined)
})

test('lag and promote refuse what cannot be', async () => {
  await using own = await startTestCluster({ replicas: 0 })
  const code = (wanted: string) => (error: unknown) => isAshlarError(error) && error.code === wanted
  await assert.rejects(own.cluster.lag('pg0', 1), code('invalid_argument'))
  await assert.rejects(own.cluster.lag('pg7', 1), code('not_found'))
  await assert.rejects(own.cluster.promote('pg7'), code('not_found'))
  await own.cluster.promote('pg0')
  await own.cluster.stop()
  await assert.rejects(own.cluster.restart('pg0'), code('closed'))
})

type At = ReturnType<typeof at>
