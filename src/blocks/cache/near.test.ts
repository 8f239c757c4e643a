import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from './digest.ts'
import { TinyLfu } from './lfu.ts'
import { NearTier } from './near.ts'
import { Lru, type Policy } from './policy.ts'
import { Sketch } from './sketch.ts'

/** Repeatable numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Share of hits when every miss is filled in. */
function hitRate(policy: Policy<number>, keys: Iterable<string>): number {
  let [hits, all] = [0, 0]
  for (const key of keys) {
    all++
    if (policy.get(key) === undefined) policy.set(key, 1)
    else hits++
  }
  return hits / all
}

/** Zipf: a few keys are asked for most of the time. */
function* popular(count: number, keys: number, seed = 1): Generator<string> {
  const draw = random(seed)
  for (let i = 0; i < count; i++) yield `hot${Math.floor(keys ** draw()) - 1}`
}

/** The same, and between any two a key that never comes again. */
function* scanned(count: number, keys: number): Generator<string> {
  let once = 0
  for (const key of popular(count, keys)) yield* [key, `once${once++}`, `once${once++}`]
}

test('LRU drops the one that was not used for longest', () => {
  const dropped: string[] = []
  const lru = new Lru<number>(3, (key) => dropped.push(key))
  for (const key of ['a', 'b', 'c']) lru.set(key, 1)
  lru.get('a')
  lru.set('d', 1)
  lru.set('b2', 1)
  assert.deepEqual(dropped, ['b', 'c'])
  assert.equal(lru.size, 3)
})

test('LFU keeps what is asked for often through a scan; LRU does not', () => {
  const lfu = hitRate(new TinyLfu(200, () => undefined), scanned(50_000, 10_000))
  const lru = hitRate(new Lru(200, () => undefined), scanned(50_000, 10_000))
  assert.ok(lfu > lru * 1.2, `LFU ${lfu.toFixed(3)}, LRU ${lru.toFixed(3)}`)
})

test('LFU is no worse than LRU on popular keys alone', () => {
  const lfu = hitRate(new TinyLfu(200, () => undefined), popular(50_000, 10_000))
  const lru = hitRate(new Lru(200, () => undefined), popular(50_000, 10_000))
  assert.ok(lfu > lru, `LFU ${lfu.toFixed(3)}, LRU ${lru.toFixed(3)}`)
})

test('LFU forgets what was popular once', () => {
  const policy = new TinyLfu<number>(100, () => undefined)
  for (let i = 0; i < 20; i++)
    hitRate(
      policy,
      Array.from({ length: 100 }, (_, k) => `old${k}`),
    )
  let last = 0
  for (let i = 0; i < 60; i++)
    last = hitRate(
      policy,
      Array.from({ length: 90 }, (_, k) => `new${k}`),
    )
  assert.ok(last > 0.8, `hits of the new ones: ${last.toFixed(2)}`)
})

for (const capacity of [1, 2, 3, 10, 100])
  test(`both keep at most ${capacity}, tell of each that they drop, and never lose count`, () => {
    for (const make of [Lru, TinyLfu]) {
      const kept = new Set<string>()
      const policy = new make<number>(capacity, (key) => assert.ok(kept.delete(key), key))
      const draw = random(capacity)
      for (let i = 0; i < 5000; i++) {
        const key = `k${Math.floor(draw() * capacity * 3)}`
        const what = draw()
        if (what < 0.5) assert.equal(policy.get(key) !== undefined, kept.has(key))
        else if (what < 0.9) {
          kept.add(key)
          policy.set(key, i)
        } else assert.equal(policy.delete(key) !== undefined, kept.delete(key))
        assert.equal(policy.size, kept.size)
        assert.ok(policy.size <= capacity, `${make.name}: ${policy.size}`)
      }
      while (policy.evict());
      assert.deepEqual([policy.size, kept.size], [0, 0])
    }
  })

test('the sketch never counts too low, seldom too high, and halves with time', () => {
  const sketch = new Sketch(1000)
  for (let i = 0; i < 1000; i++) for (let n = 0; n <= i % 8; n++) sketch.increment(`key${i}`)
  let over = 0
  for (let i = 0; i < 1000; i++) {
    const estimate = sketch.estimate(`key${i}`)
    assert.ok(estimate >= 1 + (i % 8))
    if (estimate > 1 + (i % 8)) over++
  }
  assert.ok(over < 100, `${over} of 1000 too high`)
  const before = sketch.estimate('key7')
  for (let i = 0; i < 10_000; i++) sketch.increment(`other${i % 5000}`)
  assert.ok(sketch.estimate('key7') < before)
})

const entry = (bytes = 10) => ({ value: 1, loadMs: 0, freshUntil: Infinity, until: performance.now() + 60_000, bytes })

function put(near: NearTier, key: string, bytes?: number): void {
  const ticket = near.begin(key)
  near.put(ticket, entry(bytes))
  near.end(ticket)
}

test('an answer that crosses with the news of a change is not kept', () => {
  for (const news of [[digestOf('a')], undefined]) {
    const near = new NearTier(10, 'lru')
    const ticket = near.begin('a')
    near.changed(news)
    const later = near.begin('a')
    near.put(ticket, entry())
    assert.equal(near.get('a'), undefined)
    near.put(later, entry())
    assert.ok(near.get('a'))
    near.end(ticket)
    near.end(later)
  }
})

test('news of a key takes just that key; news of anything takes all', () => {
  const near = new NearTier(10, 'lfu')
  for (const key of ['a', 'b', 'c']) put(near, key)
  near.changed([digestOf('a'), digestOf('unknown')])
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => near.get(key) !== undefined),
    [false, true, true],
  )
  near.changed(undefined)
  assert.equal(near.size, 0)
})

test('the near tier is bounded in bytes too, and one huge value does not sweep it', () => {
  const near = new NearTier(1_000_000, 'lru')
  const mb = 1024 * 1024
  for (let i = 0; i < 100; i++) put(near, `key${i}`, mb)
  assert.equal(near.size, 64)
  put(near, 'huge', 20 * mb)
  assert.equal(near.get('huge'), undefined)
  for (let i = 0; i < 10; i++) put(near, 'key99', 2 * mb)
  assert.equal(near.size, 63, 'an overwrite counts once')
})
