import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalBuckets, grantable } from './bucket.ts'
import { headersOf, policyHeader } from './headers.ts'
import { toRounds } from './rounds.ts'

test('whoever waits as long as told passes, at any rate, for any fraction', () => {
  for (const perMs of [0.05, 1 / 3, 1 / 7, 100 / 60_000, 1000 / 3_600_000, 0.0001]) {
    let now = 1_000_000.123
    const buckets = new LocalBuckets(10, () => now)
    const bucket = { capacity: 3, refillPerMs: perMs }
    for (let i = 0; i < 500; i++) {
      const taken = buckets.take(bucket, { key: 'a', cost: 1 })
      if (taken.allowed) continue
      now += taken.retryAfterMs
      assert.equal(buckets.take(bucket, { key: 'a', cost: 1 }).allowed, true, `rate ${perMs}, round ${i}`)
    }
  }
})

test('over a long time never more than the burst and the rate', () => {
  let now = 0
  const buckets = new LocalBuckets(10, () => now)
  const bucket = { capacity: 10, refillPerMs: 0.007 }
  let passed = 0
  for (let i = 0; i < 100_000; i++, now += 1.37) passed += buckets.take(bucket, { key: 'a', cost: 1 }).allowed ? 1 : 0
  const most = bucket.capacity + now * bucket.refillPerMs
  assert.ok(passed <= most && passed > most - 2, `${passed} of at most ${most}`)
})

test('a clock that goes back gives nothing and takes nothing', () => {
  let now = 1000
  const buckets = new LocalBuckets(10, () => now)
  const bucket = { capacity: 2, refillPerMs: 0.001 }
  buckets.take(bucket, { key: 'a', cost: 2 })
  now = 0
  assert.equal(buckets.take(bucket, { key: 'a', cost: 1 }).allowed, false)
  now = 1500
  assert.equal(buckets.take(bucket, { key: 'a', cost: 1 }).allowed, false, 'the time before is not counted twice')
  now = 2000
  assert.equal(buckets.take(bucket, { key: 'a', cost: 1 }).allowed, true)
})

test('a million keys stay within the bound, full buckets go first', () => {
  let now = 0
  const buckets = new LocalBuckets(5000, () => now)
  const bucket = { capacity: 2, refillPerMs: 1 / 1000 }
  for (let i = 0; i < 100_000; i++, now += 0.01) buckets.take(bucket, { key: `key${i}`, cost: 1 })
  assert.ok(buckets.count(bucket) <= 5000)
  now += 10_000
  assert.equal(buckets.count(bucket), 0, 'all are full again and forgotten')
})

test('grants whole takes only', () => {
  assert.deepEqual([grantable(5, 10, 2), grantable(1.999, 1, 2), grantable(-1, 3, 1), grantable(4, 1, 4)], [2, 0, 0, 1])
})

test('a batch is cut into rounds of one cost a key, in order', () => {
  const takes = [
    ['a', 1],
    ['b', 1],
    ['a', 1],
    ['a', 2],
    ['b', 1],
    ['a', 1],
  ] as const
  const rounds = toRounds(takes.map(([key, cost]) => ({ key, cost })))
  assert.deepEqual(rounds, [
    [
      { key: 'a', cost: 1, places: [0, 2] },
      { key: 'b', cost: 1, places: [1, 4] },
    ],
    [{ key: 'a', cost: 2, places: [3] }],
    [{ key: 'a', cost: 1, places: [5] }],
  ])
})

test('headers say whole seconds, rounded up, never 0 to wait', () => {
  const policy = policyHeader({ capacity: 100, refillPerMs: 100 / 60_000 })
  assert.equal(policy, '"default";q=100;w=60')
  const taken = { allowed: true, remaining: 50, retryAfterMs: 0, resetMs: 29_001 }
  assert.deepEqual(headersOf(policy, taken, true), { 'RateLimit-Policy': policy, RateLimit: '"default";r=50;t=30' })
  const refused = headersOf(policy, { allowed: false, remaining: 0, retryAfterMs: 1001, resetMs: 60_000 }, true)
  assert.equal(refused['Retry-After'], '2')
  assert.equal(
    headersOf(policy, { allowed: false, remaining: 0, retryAfterMs: 1, resetMs: 1 }, true)['Retry-After'],
    '1',
  )
  assert.equal('RateLimit' in headersOf(policy, taken, false), false)
})
