import { equal, match, ok, rejects } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { ask } from '../../engines/probe.ts'
import { markOf, until } from '../../engines/process.ts'
import { engineFor, engineUrl, ownEngineFor, startEngine, whyMissing } from './engines.ts'

/** Sets variables of the environment for the length of a scope. */
function environment(values: Record<string, string | undefined>): Disposable {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const)
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  for (const [name, value] of Object.entries(values)) set(name, value)
  return { [Symbol.dispose]: () => before.forEach(([name, value]) => set(name, value)) }
}

const pongs = (url: string) => ask(Number(new URL(url).port), 'PING\r\n', (answer) => answer.includes('+PONG'))
const says = (url: string, command: string, answer: string) =>
  ask(Number(new URL(url).port), `${command}\r\n`, (said) => said.includes(answer))

test('a server that the environment names is taken as it is named', async () => {
  using _ = environment({ ASHLAR_TEST_KAFKA_URL: 'kafka://10.0.0.9:9092', ASHLAR_ENGINES: 'required' })
  equal(await engineUrl('kafka'), 'kafka://10.0.0.9:9092')
  equal((await engineFor('kafka')).skip, false)
})

test('what is missing is said on one line that tells how to get it', () => {
  match(whyMissing('sqs'), /^sqs .*npm run engines -- up sqs.*ASHLAR_TEST_SQS_URL.*$/)
})

test('a server that is not installed fails the caller where it is required, and is skipped elsewhere', async () => {
  const nowhere = { PATH: '', ASHLAR_ENGINES_CACHE: '/nowhere' }
  {
    using _ = environment({ ...nowhere, ASHLAR_ENGINES: undefined })
    match(String(ownEngineFor('redis').skip), /redis is not installed/)
    await rejects(startEngine('redis'), /redis is not installed/)
  }
  using _ = environment({ ...nowhere, ASHLAR_ENGINES: 'required' })
  await rejects(async () => ownEngineFor('redis'), /required/)
})

test('an own server keeps its URL and what it stored over a kill', ownEngineFor('redis'), async () => {
  await using redis = await startEngine('redis')
  const { url, pid } = redis
  ok(await says(url, 'SET kept yes', '+OK'))
  await redis.kill()
  equal(markOf(pid), undefined)
  equal(await pongs(url), false)
  await redis.restart()
  equal(redis.url, url)
  ok(redis.pid !== pid)
  ok(await says(url, 'GET kept', 'yes'))
})

test('a paused server answers nothing until it is resumed', ownEngineFor('redis'), async () => {
  await using redis = await startEngine('redis')
  redis.pause()
  equal(await pongs(redis.url), false)
  redis.resume()
  ok(await until(() => pongs(redis.url), 10_000))
})

test('an own server ends with its scope, also when it is paused', ownEngineFor('redis'), async () => {
  let pid = 0
  {
    await using redis = await startEngine('redis')
    pid = redis.pid
    redis.pause()
  }
  equal(markOf(pid), undefined)
})

test('an own server ends when the process that started it is killed', ownEngineFor('redis'), async () => {
  const { spawn } = await import('node:child_process')
  const module = new URL('engines.ts', import.meta.url).href
  const program = `
    const { startEngine } = await import(${JSON.stringify(module)})
    const { pid } = await startEngine('redis')
    process.stdout.write(String(pid))
    setInterval(() => {}, 1000)`
  const args = ['--conditions=source', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))))
  ok(pid > 1 && markOf(pid) !== undefined)
  child.kill('SIGKILL')
  ok(await until(() => markOf(pid) === undefined, 20_000))
  ok(!existsSync(`/proc/${pid}`) || markOf(pid) === undefined)
})
