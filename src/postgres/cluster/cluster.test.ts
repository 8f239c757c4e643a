import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestCluster, testDatabase } from '../../../test/servers/postgres.ts'
import { ask } from './ask.ts'
import { until } from './wait.ts'

test('a primary and a replica that streams from it', async () => {
  await using own = await startTestCluster({ replicas: 1 })
  await own.cluster.ready()
  const [primary, replica] = own.cluster.members
  assert.deepEqual([primary?.role, replica?.role], ['primary', 'replica'])
  const password = new URL(own.url.replace(/,[^/]*/, '')).password
  const at = (port: number, text: string) => ask<Record<string, unknown>>({ port, password }, text)
  await at(primary!.port, 'create table t as select 1 as n')
  const [lsn] = await at(primary!.port, 'select pg_current_wal_lsn()::text as lsn')
  const replayed = `select pg_last_wal_replay_lsn() >= '${String(lsn!['lsn'])}' as done`
  await until('the replica', 10_000, async () => (await at(replica!.port, replayed))[0]!['done'] === true)
  assert.deepEqual(await at(replica!.port, 'select n from t'), [{ n: 1 }])
})

test('a test database is its own and vanishes', async () => {
  await using first = await testDatabase()
  await using second = await testDatabase()
  assert.notEqual(first.url, second.url)
})
