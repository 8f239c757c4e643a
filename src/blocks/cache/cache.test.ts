import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { HandleOf } from '../../block.ts'
import { until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { registry } from '../../telemetry.ts'
import type { CacheDriver } from './driver.ts'
import { decode, encode } from './envelope.ts'
import { cache, type Cache } from './index.ts'

const invalid = (text: RegExp) => (error: unknown) =>
  isAshlarError(error, 'invalid_argument') && text.test(error.message)
const never = () => new Promise<never>(() => undefined)
const gone = () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))

/** An engine of which nothing works, or what the test says. */
function engine(answer: () => Promise<never>, changes: Partial<CacheDriver> = {}) {
  let calls = 0
  const asked = () => (calls++, answer())
  const driver: CacheDriver = {
    capabilities: { tags: false, events: false, bounds: false, maxBytes: 1000 },
    get: asked,
    set: asked,
    delete: asked,
    invalidate: asked,
    lock: asked,
    prolong: asked,
    unlock: asked,
    onChange: asked,
    sweep: asked,
    stats: asked,
    close: async () => undefined,
    ...changes,
  }
  return { calls: () => calls, drivers: { fake: async () => ({ open: async () => driver, codeOf: () => undefined }) } }
}

test('opens alone, and declares for a blueprint with the type of its values', async () => {
  await using feed = await cache<{ photos: number[] }>('feed', { url: 'memory:' })
  const photos: number[] | undefined = (await feed.get('a', () => ({ photos: [1] })))?.photos
  assert.deepEqual(photos, [1])
  const declared = cache<{ photos: number[] }>({ ttl: '30s', policy: 'lfu', because: 'read 60x per write' })
  const typed: Cache<{ photos: number[] }> | undefined = undefined as HandleOf<typeof declared> | undefined
  assert.equal(typed, undefined)
  // @ts-expect-error the value has no such shape
  await feed.set('a', { photo: 1 })
})

test('options are checked when declared; each message names value, range and fix', () => {
  assert.throws(() => cache({ ttl: '1ms' }), invalid(/ttl.*'1ms'.*10 to/))
  assert.throws(() => cache({ ttl: '401d' }), invalid(/ttl/))
  assert.throws(() => cache({ policy: 'fifo' as 'lru' }), invalid(/'fifo'.*'lru', 'lfu'/))
  assert.throws(() => cache({ near: 2e6 }), invalid(/near: 2000000.*1000000/))
  assert.throws(() => cache({ deadline: '1h' }), invalid(/deadline.*5000/))
  assert.throws(() => cache({ maxEntries: 0 }), invalid(/maxEntries: 0.*1 to/))
  assert.throws(() => cache({ size: 1 } as object), invalid(/'size'.*ttl/))
})

test('bad keys, tags, times and values are refused; each message names value, range and fix', async () => {
  await using feed = await cache<unknown>('feed', { url: 'memory:' })
  await assert.rejects(feed.get(''), invalid(/1 to 65536/))
  await assert.rejects(feed.get(7 as unknown as string), invalid(/a number/))
  await assert.rejects(feed.set('a', 1, { ttl: 0 }), invalid(/ttl: 0.*10 to/))
  await assert.rejects(feed.set('a', 1, { tags: [''] }), invalid(/tag "".*1 to 128/))
  await assert.rejects(feed.set('a', 1, { tags: Array.from({ length: 33 }, String) }), invalid(/33 tags.*32/))
  await assert.rejects(feed.set('a', undefined), invalid(/delete/))
  await assert.rejects(feed.set('a', 1n), invalid(/bigint.*no JSON/))
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  await assert.rejects(
    feed.get('a', () => circle),
    invalid(/no JSON/),
  )
  assert.equal(await feed.get('a', () => 1), 1, 'and the lock is free again')
})

test('what an engine lacks is refused and not ignored', async () => {
  const { drivers } = engine(never)
  const unsupported = (error: unknown) => isAshlarError(error, 'unsupported')
  await assert.rejects(cache('feed', { url: 'fake:', drivers, near: 0, maxEntries: 5 }), unsupported)
  await using feed = await cache<number>('feed', { url: 'fake:', drivers, near: 0 })
  await assert.rejects(feed.invalidate('a'), unsupported)
  await assert.rejects(
    feed.get('a', () => 1, { tags: ['a'] }),
    unsupported,
  )
})

test('what a get answers is the JSON form, whether it hit or missed, and nobody can change it for others', async () => {
  await using feed = await cache<{ at: unknown; list: number[] }>('feed', { url: 'memory:' })
  const load = () => ({ at: new Date(0), list: [1], gone: undefined })
  for (let i = 0; i < 3; i++) {
    const value = (await feed.get('a', load))!
    assert.deepEqual(value, { at: '1970-01-01T00:00:00.000Z', list: [1] })
    assert.throws(() => value.list.push(2), TypeError)
  }
})

test('the envelope holds any JSON, and what is not ours is a miss', () => {
  for (const value of [0, false, '', null, [], {}, [[]], 'x', { a: [null] }, undefined]) {
    const read = decode(encode(value, 12.345, 50))
    assert.deepEqual(read, { value, loadMs: 12.35, staleMs: 50 })
  }
  for (const text of ['', '{', '[]', '[1]', '{"a":1}', 'null', '["a",1,2]', '[1,2,3,4]'])
    assert.equal(decode(text), undefined)
  let deep: unknown = 1
  for (let i = 0; i < 2000; i++) deep = [deep]
  assert.ok(decode(encode(deep, 0, 0)))
})

for (const [how, answer] of [
  ['is away', gone],
  ['never answers', never],
] as const)
  test(`an engine that ${how} is a miss within the deadline: the loader's value is answered`, async () => {
    const { calls, drivers } = engine(answer)
    await using feed = await cache<number>('feed', { url: 'fake:', drivers, near: 0, deadline: '50ms' })
    let slowest = 0
    for (let i = 0; i < 20; i++) {
      const started = performance.now()
      assert.equal(await feed.get(`key${i}`, () => i), i)
      assert.equal(await feed.get(`key${i}`), undefined)
      slowest = Math.max(slowest, performance.now() - started)
    }
    assert.ok(slowest < 1000, `${slowest} ms`)
    assert.ok(calls() < 10, `the engine is spared: asked ${calls()} times`)
    await assert.rejects(feed.set('a', 1), (error) => isAshlarError(error) && error.retryable)
    await assert.rejects(feed.delete('a'), (error) => isAshlarError(error) && error.retryable)
    assert.equal((await feed.health()).ok, false)
  })

test('10 000 gets without an engine leave memory as it was', { timeout: 60_000 }, async () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const { drivers } = engine(never)
  await using feed = await cache<string>('feed', { url: 'fake:', drivers, near: 0, deadline: '20ms' })
  const round = (n: number) =>
    Promise.all(Array.from({ length: 1000 }, (_, i) => feed.get(`key${n}:${i}`, () => 'x'.repeat(10_000))))
  for (let i = 0; i < 3; i++) await round(i)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 10; i++) await round(i)
  collect()
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 10 * 1024 * 1024, `${grown} bytes more`)
})

test('an engine that is back is used again', async () => {
  let away = true
  const store = new Map<string, string>()
  const { drivers } = engine(gone, {
    get: async (keys) =>
      away ? gone() : keys.map((key) => (store.has(key) ? { value: store.get(key)!, ttlMs: 60_000 } : undefined)),
    lock: async () => (away ? gone() : true),
    set: async (entries) => (entries.forEach(({ key, value }) => store.set(key, value)), entries.map(() => true)),
    unlock: async () => undefined,
  })
  await using feed = await cache<number>('feed', { url: 'fake:', drivers, near: 0 })
  for (let i = 0; i < 10; i++) await feed.get('a', () => 1)
  away = false
  await until('it keeps', async () => (await feed.get('a', () => 1), store.size === 1))
})

test('gets of one turn go to the engine together, each key once', async () => {
  const batches: (readonly string[])[] = []
  const { drivers } = engine(gone, {
    get: async (keys) => (batches.push(keys), keys.map((key) => ({ value: encode(key, 0, 0), ttlMs: 1000 }))),
  })
  await using feed = await cache<string>('feed', { url: 'fake:', drivers, near: 0 })
  const keys = ['a', 'b', 'a', 'c']
  assert.deepEqual(await Promise.all(keys.map((key) => feed.get(key))), keys)
  assert.deepEqual(batches, [['a', 'b', 'c']])
})

test('times are spread downwards by up to a tenth', async () => {
  const times: number[] = []
  const { drivers } = engine(gone, { set: async (entries) => entries.map(({ ttlMs }) => times.push(ttlMs) > 0) })
  await using feed = await cache<number>('feed', { url: 'fake:', drivers, near: 0, ttl: '1h' })
  for (let i = 0; i < 200; i++) await feed.set(`${i}`, i)
  assert.ok(Math.max(...times) <= 3_600_000 && Math.min(...times) >= 3_240_000)
  assert.ok(Math.max(...times) - Math.min(...times) > 200_000)
})

test('a loader that hangs is not joined for ever, and does not keep the cache from closing', async () => {
  const feed = await cache<number>('feed', { url: 'memory:', near: 0 })
  void feed.get('a', never)
  await until('it loads', async () => (await feed.health()).ok)
  await feed.close()
})

test('closed is closed, twice is harmless, and what it measures is told', async () => {
  const feed = await cache<number>('measured', { url: 'memory:' })
  await feed.get('a', () => 1)
  for (let i = 0; i < 3; i++) await feed.get('a')
  const { hits, misses, hitRate, nearEntries } = await feed.stats()
  assert.deepEqual({ hits, misses, hitRate, nearEntries }, { hits: 3, misses: 1, hitRate: 0.75, nearEntries: 1 })
  assert.match(await registry.metrics(), /ashlar_cache_hit_rate\{block="measured",driver="memory"\} 0.75/)
  assert.match(await registry.metrics(), /ashlar_cache_gets_total\{block="measured",driver="memory",outcome="near"\} 3/)
  await feed.close()
  await feed.close()
  for (const work of [() => feed.get('a'), () => feed.set('a', 1), () => feed.delete('a'), () => feed.stats()])
    await assert.rejects(work, (error) => isAshlarError(error, 'closed'))
})
