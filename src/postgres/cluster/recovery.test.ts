import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { test } from 'node:test'
import { startTestCluster, type TestCluster } from '../../../test/servers/postgres.ts'
import { ask } from './ask.ts'
import { postgresIn } from './process.ts'
import { until } from './wait.ts'

const rows = ({ cluster, url }: TestCluster, name: string, text: string) => {
  const { port } = cluster.members.find((each) => each.name === name)!
  return ask<Record<string, unknown>>({ port, password: /ashlar:([^@]+)@/.exec(url)![1]! }, text)
}
const pidOf = ({ cluster }: TestCluster, name: string) => cluster.members.find((each) => each.name === name)!.pid

test('a killed primary and a killed replica come back by themselves, and onMember tells', async () => {
  const heard: string[] = []
  await using own = await startTestCluster({ replicas: 1, onMember: (m) => heard.push(`${m.name} ${m.healthy}`) })
  await own.cluster.ready()
  await rows(own, 'pg0', 'create table t as select 1 as n')
  for (const name of ['pg0', 'pg1']) {
    const pid = pidOf(own, name)
    heard.length = 0
    process.kill(pid!, 'SIGKILL')
    await until(`${name} to be down`, 5_000, () => heard.includes(`${name} false`))
    await until(`${name} to be back`, 20_000, () => heard.at(-1) === 'pg1 true' && pidOf(own, name) !== pid)
    await own.cluster.ready()
  }
  assert.deepEqual(await rows(own, 'pg1', 'select n from t'), [{ n: 1 }])
})

test('a replica whose log the primary has thrown away is copied afresh', async () => {
  await using own = await startTestCluster({
    replicas: 1,
    settings: { max_slot_wal_keep_size: '32MB', max_wal_size: '48MB', wal_sender_timeout: '1s' },
  })
  await own.cluster.ready()
  const old = pidOf(own, 'pg1')
  for (const pid of postgresIn(`${own.folder}/pg1`)) process.kill(pid, 'SIGSTOP') // as a machine that sleeps
  await until('the slot to be idle', 10_000, async () => {
    return (await rows(own, 'pg0', 'select 1 from pg_replication_slots where not active')).length > 0
  })
  await rows(
    own,
    'pg0',
    `select pg_logical_emit_message(false, 'x', repeat('x', 10000000)) from generate_series(1, 16)`,
  )
  await rows(own, 'pg0', 'create table t as select 1 as n')
  await rows(own, 'pg0', 'checkpoint')
  await until('a new copy', 30_000, () => ![undefined, old].includes(pidOf(own, 'pg1')))
  await own.cluster.ready()
  assert.deepEqual(await rows(own, 'pg1', 'select n from t'), [{ n: 1 }])
})

test('a port that somebody else has taken meanwhile is left to them', async () => {
  await using folder = await startTestCluster({ replicas: 0 })
  const { port } = folder.cluster.members[0]!
  await folder.cluster.stop()
  await using stranger = net.createServer((socket) => socket.end())
  await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve))
  await using again = await folder.again()
  assert.notEqual(again.cluster.members[0]!.port, port)
  assert.deepEqual(await rows(again, 'pg0', 'select 1 as n'), [{ n: 1 }])
})

test('the same ports and the same data after a restart, and no process between', async () => {
  await using first = await startTestCluster({ replicas: 1 })
  await first.cluster.ready()
  await rows(first, 'pg0', 'create table t as select 1 as n')
  const { url } = first
  await first.cluster.stop()
  assert.deepEqual(
    ['pg0', 'pg1'].flatMap((name) => postgresIn(`${first.folder}/${name}`)),
    [],
  )
  await using second = await first.again()
  assert.equal(second.url, url)
  assert.deepEqual(await rows(second, 'pg0', 'select n from t'), [{ n: 1 }])
})

test('a primary that knows rows which the new primary lacks is copied afresh, also after a clean stop', async () => {
  await using both = await startTestCluster({ replicas: 1 })
  await both.cluster.ready()
  await both.cluster.stop()
  await using alone = await both.again({ replicas: 0 })
  await rows(alone, 'pg0', 'create table t as select 1 as n')
  await alone.cluster.stop()
  // As after a crash in the middle of a promotion: the choice is written down, nothing else is done.
  const file = `${both.folder}/state.json`
  await writeFile(file, (await readFile(file, 'utf8')).replace('"primary":"pg0"', '"primary":"pg1"'))
  await using after = await both.again({ replicas: 1 })
  assert.equal(after.cluster.members[1]!.role, 'primary')
  assert.deepEqual(await rows(after, 'pg1', 'select pg_is_in_recovery() as replica'), [{ replica: false }])
  await after.cluster.ready()
  assert.deepEqual(await rows(after, 'pg0', `select to_regclass('t') as t`), [{ t: null }])
})

test('without its notes the cluster still knows who is the primary', async () => {
  await using first = await startTestCluster({ replicas: 1 })
  await first.cluster.ready()
  await first.cluster.promote('pg1')
  await rows(first, 'pg1', 'create table t as select 1 as n')
  await first.cluster.ready()
  await first.cluster.stop()
  await rm(`${first.folder}/state.json`)
  await using second = await first.again()
  assert.deepEqual(await rows(second, 'pg1', 'select n from t'), [{ n: 1 }])
  await second.cluster.ready()
})
