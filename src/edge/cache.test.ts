import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf } from './balance.ts'
import { immutableSeconds, ResponseCache, type Entry } from './cache.ts'

function entry(bytes: number, maxAgeSeconds = 60): Entry {
  return { status: 200, headers: [], body: Buffer.alloc(bytes), storedAtMs: performance.now(), maxAgeSeconds }
}

test('keeps no more bytes than allowed; the longest unused leaves first', () => {
  const cache = new ResponseCache(100_000)
  for (const key of ['a', 'b']) cache.set(key, entry(40_000))
  cache.get('a')
  cache.set('c', entry(40_000))
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.get(key) !== undefined),
    [true, false, true],
  )
  assert.ok(cache.bytes >= 80_000 && cache.bytes <= 100_000)
})

test('an entry larger than the cache is not kept and pushes nothing out', () => {
  const cache = new ResponseCache(100_000)
  cache.set('a', entry(40_000))
  cache.set('big', entry(100_000))
  assert.ok(cache.get('a'))
  assert.equal(cache.get('big'), undefined)
})

test('an entry past its time is gone, and its bytes with it', () => {
  const cache = new ResponseCache(100_000)
  cache.set('a', entry(40_000, 0))
  assert.equal(cache.get('a'), undefined)
  assert.equal(cache.bytes, 0)
})

test('overwriting does not count twice', () => {
  const cache = new ResponseCache(100_000)
  cache.set('a', entry(40_000))
  const { bytes } = cache
  for (let round = 0; round < 5; round++) cache.set('a', entry(40_000))
  assert.equal(cache.bytes, bytes)
})

test('entries with no body at all are bounded, too', () => {
  const cache = new ResponseCache(100_000)
  for (let each = 0; each < 10_000; each++) cache.set(`/x?${each}`, entry(0))
  assert.ok(cache.bytes <= 100_000)
  assert.equal(cache.get('/x?0'), undefined)
  assert.ok(cache.get('/x?9999'))
})

test('only whole, public, immutable answers are kept', () => {
  const kept = { 'cache-control': 'public, max-age=100, immutable' }
  assert.equal(immutableSeconds(200, kept), 100)
  assert.equal(immutableSeconds(200, { 'cache-control': 'immutable, max-age=100, s-maxage=7' }), 7)
  const refused = [
    [206, kept],
    [200, { ...kept, 'set-cookie': ['a=1'] }],
    [200, { ...kept, vary: 'Cookie' }],
    [200, { 'cache-control': 'private, max-age=100, immutable' }],
    [200, { 'cache-control': 'max-age=100' }],
    [200, {}],
  ] satisfies [number, Record<string, string | string[]>][]
  for (const [status, headers] of refused) assert.equal(immutableSeconds(status, headers), 0)
})

test('round-robin takes turns; least-connections takes the idlest, and shares evenly among equals', () => {
  const [a, b, c] = [{ active: 0 }, { active: 0 }, { active: 2 }]
  const inTurn = policyOf('round-robin')
  assert.deepEqual(
    [1, 2, 3, 4].map(() => inTurn([a, b, c])),
    [a, b, c, a],
  )
  const idlest = policyOf('least-connections')
  const picks = [1, 2, 3, 4].map(() => idlest([a, b, c]))
  assert.deepEqual([picks.filter((each) => each === a).length, picks.filter((each) => each === b).length], [2, 2])
})
