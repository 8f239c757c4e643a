import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../conformance.ts'
import { isAshlarError } from '../errors.ts'
import { Supervisor, type ProcessState, type SupervisorOptions } from './supervisor.ts'

const ready = `process.send({ type: 'ready', adminPort: 1, addresses: {}, instances: ['x'] });`

/** A supervisor with one kind of child: a script. */
class Stage implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'ashlar-supervisor-'))
  readonly changes: ProcessState[] = []
  readonly lines: string[] = []
  readonly supervisor: Supervisor

  constructor(options: Partial<SupervisorOptions> = {}) {
    this.supervisor = new Supervisor({
      backoffMs: 1,
      onLine: (id, line) => this.lines.push(`${id}: ${line}`),
      onChange: (state) => this.changes.push(state),
      ...options,
    })
  }

  start(id: string, script: string): void {
    const module = join(this.folder, `${id}.mjs`)
    writeFileSync(module, script)
    this.supervisor.start({ id, role: 'app', block: 'web', module, args: [], env: process.env })
  }

  state(id: string): ProcessState {
    return this.supervisor.list().find((each) => each.id === id)!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.close()
    rmSync(this.folder, { recursive: true })
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a child that is killed is started again, with another pid', async () => {
  await using stage = new Stage()
  stage.start('web-1', `${ready} setInterval(() => {}, 1000)`)
  await until('it is ready', () => stage.state('web-1').state === 'ready')
  const before = stage.state('web-1').pid
  stage.supervisor.signal('web-1', 'SIGKILL')
  await until('it is ready again', () => stage.state('web-1').state === 'ready' && stage.state('web-1').pid !== before)
  assert.equal(stage.state('web-1').restarts, 1)
})

test('a child that is paused is not called ready until it goes on', async () => {
  await using stage = new Stage()
  stage.start('web-1', `${ready} setInterval(() => {}, 1000)`)
  await until('it is ready', () => stage.state('web-1').state === 'ready')
  stage.supervisor.signal('web-1', 'SIGSTOP')
  assert.equal(stage.state('web-1').state, 'paused')
  stage.supervisor.signal('web-1', 'SIGCONT')
  assert.equal(stage.state('web-1').state, 'ready')
  stage.supervisor.signal('web-1', 'SIGSTOP')
  stage.supervisor.signal('web-1', 'SIGKILL')
  await until('it is ready again', () => stage.state('web-1').restarts === 1 && stage.state('web-1').state === 'ready')
})

test('waits longer before each restart of a child that keeps failing, up to the limit', async () => {
  await using stage = new Stage({ backoffMs: 10, maxBackoffMs: 20 })
  stage.start('web-1', 'process.exit(3)')
  await until('it was restarted three times', () => stage.state('web-1').restarts >= 3)
  assert.match(stage.state('web-1').lastError ?? '', /code 3/)
})

test('a child that says its fault is final is not started again', async () => {
  await using stage = new Stage()
  stage.start('web-1', `process.send({ type: 'failed', error: 'bad blueprint', final: true }, () => process.exit(1))`)
  await until('it is given up', () => stage.state('web-1').state === 'failed' && stage.state('web-1').pid === undefined)
  assert.equal(stage.state('web-1').lastError, 'bad blueprint')
})

test('stopping lets a child finish and ends one that will not', async () => {
  await using stage = new Stage({ stopLimitMs: 1_500 })
  stage.start(
    'good-1',
    `process.on('SIGTERM', () => { console.log('finished'); process.exit(0) }); setInterval(() => {}, 1000); ${ready}`,
  )
  stage.start('bad-1', `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); ${ready}`)
  await until('both are ready', () => stage.supervisor.list().every(({ state }) => state === 'ready'))
  const pids = stage.supervisor.list().map(({ pid }) => pid!)
  await stage.supervisor.close()
  assert.ok(pids.every((pid) => !alive(pid)))
  await until('its last line was read', () => stage.lines.includes('good-1: finished'))
})

test('a module that cannot be started is a failure of that child only', async () => {
  await using stage = new Stage()
  stage.supervisor.start({
    id: 'web-1',
    role: 'app',
    block: 'web',
    module: join(stage.folder, 'missing.mjs'),
    args: [],
    env: process.env,
  })
  await until('it was tried again', () => stage.state('web-1').restarts > 0)
})

test('an id that is taken or unknown is named', async () => {
  await using stage = new Stage()
  stage.start('web-1', ready)
  assert.throws(
    () => stage.start('web-1', ready),
    (error) => isAshlarError(error, 'invalid_argument') && /web-1/.test(error.message),
  )
  assert.throws(() => stage.supervisor.signal('web-9', 'SIGKILL'), /no child 'web-9'; there are web-1/)
})
