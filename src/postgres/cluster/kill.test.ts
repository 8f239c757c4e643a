import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { startCluster } from './index.ts'
import { postgresIn } from './process.ts'
import { until } from './wait.ts'

const index = path.join(import.meta.dirname, 'index.ts')
const settings = { fsync: 'off', shared_buffers: '16MB' }

/** A process of its own that runs a cluster and says so. */
async function host(folder: string) {
  const program = `
    const { startCluster } = await import(${JSON.stringify(index)})
    const cluster = await startCluster({ folder: ${JSON.stringify(folder)}, settings: ${JSON.stringify(settings)} })
    await cluster.ready()
    process.on('SIGUSR2', () => console.log('here'))
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  const [line] = (await once(lines, 'line')) as [string]
  assert.equal(line, 'ready')
  return Object.assign(child, {
    /** Returns when it has done what it was doing when asked. */
    async catchUp(): Promise<void> {
      const answer = once(lines, 'line')
      child.kill('SIGUSR2')
      await answer
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  })
}

const ours = (folder: string) => ['pg0', 'pg1'].flatMap((name) => postgresIn(path.join(folder, name)))

test('a kill -9 leaves no Postgres behind, and the next start takes over at once', async () => {
  await using place = await newFolder()
  for (let round = 0; round < 3; round++) {
    using child = await host(place.folder)
    assert.ok(ours(place.folder).length > 5)
    child.kill('SIGKILL')
    if (round === 1) continue // the next start meets what is still there
    await until('no Postgres', 10_000, () => ours(place.folder).length === 0)
  }
  await using cluster = await startCluster({ folder: place.folder, settings })
  await cluster.ready()
})

test('a tether that dies is replaced', async () => {
  await using place = await newFolder()
  using child = await host(place.folder)
  const tether = () => tetherOf(child.pid!)
  const first = tether()!
  process.kill(first, 'SIGKILL')
  await until('another tether', 5_000, () => ![undefined, first].includes(tether()))
  await child.catchUp() // it has told the new tether what to hold: both dying in that instant is the sweep's case
  child.kill('SIGKILL')
  await until('no Postgres', 10_000, () => ours(place.folder).length === 0)
})

test('Ctrl-C in the terminal reaches neither Postgres nor the tether', async () => {
  await using place = await newFolder()
  await using cluster = await startCluster({ folder: place.folder, settings })
  await cluster.ready()
  const session = (pid: number) =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[3]
  const pids = [...cluster.members.map(({ pid }) => pid!), tetherOf(process.pid)!]
  for (const pid of pids) assert.equal(session(pid), String(pid))
})

test('a folder that another process has is refused with its pid, and left alone', async () => {
  await using place = await newFolder()
  using child = await host(place.folder)
  const before = ours(place.folder).length
  await assert.rejects(startCluster({ folder: place.folder, settings }), (error: unknown) => {
    return isAshlarError(error, 'already_exists') && error.message.includes(`process ${child.pid}`)
  })
  assert.equal(ours(place.folder).length, before)
  child.kill('SIGKILL')
  await until('no Postgres', 10_000, () => ours(place.folder).length === 0)
})

test('the secret is readable by this user only', async () => {
  await using place = await newFolder()
  await using cluster = await startCluster({ folder: place.folder, replicas: 0, settings })
  const secret = (await readFile(path.join(place.folder, 'secret'), 'utf8')).trim()
  assert.ok(cluster.url.includes(`:${secret}@`))
  assert.equal((await stat(path.join(place.folder, 'secret'))).mode & 0o777, 0o600)
})

async function newFolder() {
  const root = await mkdtemp(path.join(os.tmpdir(), 'ashlar-kill-'))
  await chmod(root, 0o755)
  return {
    folder: path.join(root, 'state'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

function tetherOf(parent: number): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number)
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ashlar-tether'))
}
