import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { registry } from '../../telemetry.ts'
import { queue, type Queue, type QueueOptions, type SendOptions } from './index.ts'

function says(...parts: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isAshlarError(error, 'invalid_argument'), String(error))
    for (const part of parts) assert.match(error.message, part)
    return true
  }
}

test('a bad option is refused when declared, naming value, range and fix', () => {
  const bad: [QueueOptions<unknown>, ...RegExp[]][] = [
    [{ attempts: 0 }, /attempts/, /0/, /1 to 1000/],
    [{ attempts: 1.5 }, /attempts/, /1\.5/, /whole number/],
    [{ visibility: '1ms' }, /visibility/, /1ms/, /1000 to 43200000/],
    [{ visibility: '5 minutes' as '5m' }, /visibility/, /5 minutes/, /'30s'/],
    [{ backoff: 0 }, /backoff/, /1 to 86400000/],
    [{ backoff: '2h', maxBackoff: '1h' }, /maxBackoff/, /at least/],
    [{ atempts: 3 } as QueueOptions<unknown>, /atempts/, /attempts/],
  ]
  for (const [options, ...parts] of bad) assert.throws(() => queue(options), says(...parts))
  assert.equal(queue({ backoff: '2h' }).kind, 'queue')
})

test('a bad argument is refused when sent, naming value, range and fix', async () => {
  await using jobs = await queue<number>('jobs', { url: 'memory:' })
  const bad: [SendOptions, ...RegExp[]][] = [
    [{ delay: '2000d' }, /delay/, /2000d/],
    [{ delay: -1 }, /delay/, /-1/],
    [{ priority: 10 }, /priority/, /10/, /0 to 9/],
    [{ key: '' }, /key/, /0 bytes/, /1 to 256/],
    [{ key: '中'.repeat(100) }, /key/, /300 bytes/],
    [{ key: 'a\0' }, /key/, /NUL/],
    [{ dedupe: { key: 'x', window: '1ms' } }, /dedupe.window/, /1ms/],
    [{ dleay: 3 } as SendOptions, /dleay/, /delay/],
  ]
  for (const [options, ...parts] of bad) await assert.rejects(jobs.send(1, options), says(...parts))
  await assert.rejects(jobs.sendMany([1, 2], { dedupe: { key: 'k' } }), says(/dedupe/, /one by one/))
  await assert.rejects(jobs.sendMany(Array.from({ length: 10_001 }, () => 1)), says(/10001/, /10000/))
  await assert.rejects(jobs.dead({ limit: 0 }), says(/limit/, /1 to 10000/))
  assert.throws(() => jobs.work(() => undefined, { concurrency: 0 }), says(/concurrency/, /1 to 1000/))
})

test('a bad URL or name is refused', async () => {
  await assert.rejects(queue('jobs', { url: 'memory:a?b=c' }), says(/memory:NAME/))
  await assert.rejects(queue('no name', { url: 'memory:' }), says(/no name/))
  await assert.rejects(queue('jobs', { url: 'nats://localhost' }), (error) => isAshlarError(error, 'unsupported'))
})

test('close is bounded and quick while the database is away, and nothing can be opened', async () => {
  const refused = 'postgres://postgres:secret@127.0.0.1:1/shop'
  await assert.rejects(queue('jobs', { url: refused }), (error) => {
    assert.ok(!String(error).includes('secret'))
    return true
  })
})

test('figures are at /metrics while a consumer is there', async () => {
  await using jobs = await queue<number>('measured', { url: 'memory:', backoff: '1h' })
  jobs.work(() => {
    throw new Error('no')
  })
  await jobs.send(1)
  await until('it waits for its retry', async () => (await jobs.stats())['delayed'] === 1)
  await until('it shows', async () => (await registry.metrics()).includes('ashlar_queue_delayed{block="measured"} 1'))
  const text = await registry.metrics()
  assert.match(text, /ashlar_queue_sent_total\{block="measured"\} 1/)
  assert.match(text, /ashlar_queue_handled_total\{block="measured",outcome="retry"\} 1/)
  await jobs.close()
  assert.ok(!(await registry.metrics()).includes('ashlar_queue_delayed{block="measured"}'))
})

test('types follow from the schema or the type argument', async () => {
  await using jobs: Queue<{ to: string }> = await queue<{ to: string }>('jobs', { url: 'memory:' })
  jobs.work((job) => void job.payload.to.length)
  // @ts-expect-error: a number is no { to: string }
  await jobs.send(3)
  // @ts-expect-error: there is no such option
  await assert.rejects(jobs.send({ to: 'a' }, { dealy: 3 }))
})
