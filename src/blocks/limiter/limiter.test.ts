import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { until } from '../../conformance.ts'
import { registry } from '../../telemetry.ts'
import type { LimiterDriver } from './driver.ts'
import { limiter, type LimiterOptions } from './index.ts'
import { LocalBuckets } from './bucket.ts'

const invalid = (text: RegExp) => (error: unknown) =>
  isAshlarError(error, 'invalid_argument') && text.test(error.message)

/** An engine whose answers the test holds in its hand. */
function engine(take: LimiterDriver['take']) {
  const calls: number[] = []
  const driver: LimiterDriver = {
    take: (bucket, takes) => (calls.push(takes.length), take(bucket, takes)),
    reset: async () => undefined,
    stats: async () => ({ keys: 0 }),
    close: async () => undefined,
  }
  return { calls, drivers: { fake: async () => ({ open: async () => driver, codeOf: () => undefined }) } }
}

const never = () => new Promise<never>(() => undefined)
const gone = () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))

test('options are checked when declared; each message names value, range and fix', () => {
  assert.throws(() => limiter({} as LimiterOptions), invalid(/rate.*'50\/s'/))
  assert.throws(() => limiter({ rate: '50' as '50/s' }), invalid(/'50'/))
  assert.throws(() => limiter({ rate: '0/s' }), invalid(/above 0/))
  assert.throws(() => limiter({ rate: '5/s', burst: 0 }), invalid(/burst: 0.*1 to 1000000000/))
  assert.throws(() => limiter({ rate: '5/s', burst: 1.5 }), invalid(/1.5/))
  assert.throws(
    () => limiter({ rate: '5/s', failure: 'ignore' as 'open' }),
    invalid(/'ignore'.*'open', 'closed', 'local'/),
  )
  assert.throws(() => limiter({ rate: '5/s', deadline: '1m' }), invalid(/deadline.*'1m'.*1 to 5000/))
  assert.throws(() => limiter({ rate: '5/s', limit: 5 } as LimiterOptions), invalid(/'limit'.*rate/))
  assert.doesNotThrow(() => limiter({ rate: '0.5/s' }))
})

test('a cost or key that cannot be is refused and takes nothing', async () => {
  await using perUser = await limiter('perUser', { rate: '5/h', url: 'memory:' })
  for (const cost of [0, -1, 1.5, NaN, 6]) await assert.rejects(perUser.take('a', cost), invalid(/1 to 5/))
  await assert.rejects(perUser.take(''), invalid(/1 to 65536/))
  await assert.rejects(perUser.take(undefined as unknown as string), invalid(/undefined/))
  assert.equal((await perUser.take('a', 5)).allowed, true)
})

test('takes of one turn go to the engine together', async () => {
  const buckets = new LocalBuckets(10)
  const { calls, drivers } = engine(async (bucket, takes) => takes.map((take) => buckets.take(bucket, take)))
  await using perUser = await limiter('perUser', { rate: '1000/h', deadline: '5s', url: 'fake:', drivers })
  await Promise.all(Array.from({ length: 100 }, () => perUser.take('a')))
  assert.deepEqual(calls, [100])
})

for (const [failure, allowed] of [
  ['open', 10],
  ['closed', 0],
  ['local', 5],
] as const)
  test(`an engine that never answers: failure '${failure}' decides, within the deadline`, async () => {
    const { calls, drivers } = engine(never)
    await using perUser = await limiter('perUser', { rate: '5/h', failure, deadline: '30ms', url: 'fake:', drivers })
    const waits: number[] = []
    const answers = []
    for (let i = 0; i < 10; i++) {
      const started = performance.now()
      answers.push(await perUser.take('a'))
      waits.push(performance.now() - started)
    }
    assert.equal(answers.filter((each) => each.allowed).length, allowed)
    assert.ok(answers.every(({ degraded, headers }) => degraded && !('RateLimit' in headers)))
    assert.ok(answers.every((each) => each.allowed || Number(each.headers['Retry-After']) >= 1))
    assert.ok(Math.max(...waits) < 1000, `waited ${Math.max(...waits)} ms`)
    assert.ok(calls.length <= 5, `the engine is spared: asked ${calls.length} times`)
    assert.equal((await perUser.stats())['degraded'], 10)
  })

test('when the engine is back it decides again', async () => {
  let away = true
  const buckets = new LocalBuckets(10)
  const { drivers } = engine((bucket, takes) =>
    away ? gone() : Promise.resolve(takes.map((take) => buckets.take(bucket, take))),
  )
  await using perUser = await limiter('perUser', { rate: '5/h', failure: 'closed', url: 'fake:', drivers })
  for (let i = 0; i < 10; i++) assert.equal((await perUser.take('a')).degraded, true)
  away = false
  await until('it decides', async () => !(await perUser.take('b')).degraded)
  assert.equal((await perUser.take('a')).remaining, 4)
})

test('20 000 takes against a dead engine leave nothing behind', async () => {
  const { calls, drivers } = engine(never)
  await using perUser = await limiter('perUser', { rate: '5/h', deadline: '50ms', url: 'fake:', drivers })
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 2000 }, (_, k) => perUser.take(`key${k}`)))
  assert.ok(calls.reduce((sum, each) => sum + each, 0) <= 6000, `${calls.length} calls`)
})

test('closed is closed, twice is harmless, and what it measures is told', async () => {
  const measured = await limiter('measured', { rate: '1/h', url: 'memory:' })
  await measured.take('a')
  await measured.take('a')
  assert.deepEqual(await measured.stats(), { keys: 1, allowed: 1, refused: 1, degraded: 0 })
  assert.deepEqual(await measured.health(), { ok: true })
  const metrics = await registry.metrics()
  assert.match(metrics, /ashlar_limiter_keys\{block="measured",driver="memory"\} 1/)
  assert.match(
    metrics,
    /ashlar_limiter_decisions_total\{block="measured",driver="memory",outcome="refused",degraded="false"\} 1/,
  )
  await measured.close()
  await measured.close()
  await assert.rejects(measured.take('a'), (error) => isAshlarError(error, 'closed'))
})
