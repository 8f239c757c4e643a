import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isGroupAlive, markOf, signalGroup, stopGroup, until } from './process.ts'
import { lifeOf, note, readState, type Standing } from './state.ts'

function folder(): Disposable & { path: string } {
  const made = mkdtempSync(path.join(os.tmpdir(), 'ashlar-engines-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) }
}

const standing = (of: Partial<Standing> = {}): Standing => ({
  url: 'redis://127.0.0.1:20000',
  pid: 4_000_000,
  mark: '1',
  ports: [20_000],
  folder: '/nowhere',
  since: '2026-01-01T00:00:00.000Z',
  ...of,
})

/** A shell that leads a process group and says when it is set up. */
async function leader(script: string) {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const pid = child.pid!
  return { child, pid, [Symbol.dispose]: () => void signalGroup(pid, 'SIGKILL') }
}

test('what is noted of a server is read back, and struck out without touching the others', () => {
  using at = folder()
  deepEqual(readState(at.path), {})
  note('redis', standing(), at.path)
  note('nats', standing({ url: 'nats://127.0.0.1:20001' }), at.path)
  note('redis', undefined, at.path)
  deepEqual(readState(at.path), { nats: standing({ url: 'nats://127.0.0.1:20001' }) })
})

test('a state file that is cut short, or not ours, tells of no server', () => {
  using at = folder()
  const bad = ['', '{"redis": {"pid"', '[]', 'null', '{"redis": null}', '{"redis": {"pid": 1, "mark": "1"}}']
  for (const text of bad) {
    writeFileSync(path.join(at.path, 'state.json'), text)
    deepEqual(readState(at.path), {}, text)
  }
  const group = { redis: standing({ pid: -1 }), mysql: standing() } // a signal to it would go to everyone
  writeFileSync(path.join(at.path, 'state.json'), JSON.stringify(group))
  deepEqual(readState(at.path), {})
})

test('a process that has the number of a server, but is another, is not taken for it', async () => {
  using other = await leader('echo up; exec sleep 60')
  equal(lifeOf(standing({ pid: other.pid, mark: markOf(other.pid)! })), 'leader')
  equal(lifeOf(standing({ pid: other.pid, mark: 'another' })), 'gone')
  equal(lifeOf(standing()), 'gone')
})

test('what a server started and left behind is found when the server is gone', async () => {
  using server = await leader('sleep 60 & echo up; wait')
  const mark = markOf(server.pid)!
  server.child.kill('SIGKILL')
  await once(server.child, 'exit')
  equal(lifeOf(standing({ pid: server.pid, mark })), 'remains')
  await stopGroup(server.pid, 1000)
  equal(lifeOf(standing({ pid: server.pid, mark })), 'gone')
})

test('a server is asked to end, with time to do so', async () => {
  using at = folder()
  const ended = path.join(at.path, 'ended')
  using server = await leader(`trap 'sleep 0.2; echo > ${ended}; exit' TERM; echo up; while :; do sleep 0.05; done`)
  await stopGroup(server.pid, 10_000)
  ok(await until(() => server.child.exitCode === 0, 10_000))
})

test('a server that does not end when asked, even a paused one, is killed with all that it started', async () => {
  for (const paused of [false, true]) {
    using server = await leader(`trap '' TERM; sleep 60 & echo up; while :; do sleep 1; done`)
    if (paused) signalGroup(server.pid, 'SIGSTOP')
    await stopGroup(server.pid, 100)
    ok(!isGroupAlive(server.pid))
  }
})
