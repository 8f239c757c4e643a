import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ownEngineFor } from '../test/servers/engines.ts'
import { homeOf } from './cache.ts'
import { engineNames, type Engine } from './engine.ts'
import { engines } from './index.ts'
import { install, isWhole } from './install.ts'
import { markOf } from './process.ts'
import { readState, lifeOf, note } from './state.ts'
import { down, up } from './up.ts'

function folder(): Disposable & { path: string } {
  const made = mkdtempSync(path.join(os.tmpdir(), 'ashlar-engines-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) }
}

/** Lets what is installed in a scope lie in a folder of its own. */
function cache(): Disposable & { path: string } {
  const at = folder()
  const before = process.env['ASHLAR_ENGINES_CACHE']
  process.env['ASHLAR_ENGINES_CACHE'] = at.path
  const restore = () => {
    if (before === undefined) delete process.env['ASHLAR_ENGINES_CACHE']
    else process.env['ASHLAR_ENGINES_CACHE'] = before
    at[Symbol.dispose]()
  }
  return { path: at.path, [Symbol.dispose]: restore }
}

/** A server that is a shell script, and whose install is this function. */
function pretended(script: string, installing: Engine['install'] = async () => undefined): Engine {
  return {
    name: 'redis',
    title: 'a pretended server',
    version: 'test',
    ports: 1,
    isInstalled: isWhole,
    install: installing,
    command: () => ({ file: '/bin/sh', args: ['-c', script] }),
    isReady: async () => false,
    url: (port) => `redis://127.0.0.1:${port}`,
  }
}

const silent = () => undefined

test('every server has the URL that its drivers read', () => {
  const urls = Object.fromEntries(engineNames.map((name) => [name, engines[name].url(20_000)]))
  deepEqual(urls, {
    redis: 'redis://127.0.0.1:20000',
    rabbitmq: 'amqp://guest:guest@127.0.0.1:20000',
    nats: 'nats://127.0.0.1:20000',
    kafka: 'kafka://127.0.0.1:20000',
    sqs: 'sqs://test:test@local?endpoint=http%3A%2F%2F127.0.0.1%3A20000',
    sns: 'sns://test:test@us-east-1?endpoint=http%3A%2F%2F127.0.0.1%3A20000',
    kinesis: 'kinesis://test:test@us-east-1?endpoint=http%3A%2F%2F127.0.0.1%3A20000',
    pubsub: 'pubsub://ashlar?endpoint=127.0.0.1:20000',
  })
  for (const [name, engine] of Object.entries(engines)) equal(engine.name, name)
})

test('an install that fails half way is done anew, from an empty folder', async () => {
  using _ = cache()
  let tries = 0
  const engine = pretended('', async (home) => {
    tries += 1
    deepEqual(readdirSync(home), [])
    writeFileSync(path.join(home, 'half'), '')
    if (tries === 1) throw new Error('the network is away')
  })
  await rejects(install(engine, silent), /network is away/)
  ok(!isWhole(homeOf(engine)))
  await install(engine, silent)
  await install(engine, silent)
  equal(tries, 2)
})

test('two installs at once are one', async () => {
  using _ = cache()
  let running = 0
  let tries = 0
  const engine = pretended('', async (home) => {
    tries += 1
    equal(++running, 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    ok(existsSync(home))
    running -= 1
  })
  await Promise.all([install(engine, silent), install(engine, silent)])
  equal(tries, 1)
})

test('a server that ends instead of getting ready is said to, with the end of its log, and leaves nothing noted', async () => {
  using _ = cache()
  using at = folder()
  const lines: string[] = []
  const engine = pretended('echo no such port; exit 3')
  deepEqual(await up([engine], (line) => lines.push(line), at.path), [engine])
  match(lines.join('\n'), /redis: FAILED: .*ended instead of getting ready[^]*no such port/)
  deepEqual(readState(at.path), {})
})

test('up leaves a server running, a second up keeps it, down ends it', ownEngineFor('redis'), async () => {
  using at = folder()
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  deepEqual(await up([engines.redis], say, at.path), [])
  const standing = readState(at.path).redis!
  equal(lifeOf(standing), 'leader')
  ok(await engines.redis.isReady(standing.ports[0]!))
  deepEqual(await up([engines.redis], say, at.path), [])
  deepEqual(readState(at.path).redis, standing)
  deepEqual(await down([engines.redis], say, at.path), [])
  equal(markOf(standing.pid), undefined)
  deepEqual(readState(at.path), {})
  match(lines.join('\n'), /ready in [^]*runs already[^]*stopped in/)
})

test(
  'up starts a server anew that was killed; down never touches who has its number now',
  ownEngineFor('redis'),
  async () => {
    using at = folder()
    await up([engines.redis], silent, at.path)
    const first = readState(at.path).redis!
    process.kill(first.pid, 'SIGKILL')
    await up([engines.redis], silent, at.path)
    const second = readState(at.path).redis!
    ok(second.pid !== first.pid)
    await down([engines.redis], silent, at.path)
    note('redis', { ...second, pid: process.pid, mark: 'of another process' }, at.path)
    await down([engines.redis], silent, at.path) // would end this very test
    deepEqual(readState(at.path), {})
  },
)
