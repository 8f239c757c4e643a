import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { isAshlarError } from '../../../errors.ts'
import { counted, handle, type CacheHarness } from './harness.ts'

export const loadingCases: Case<CacheHarness>[] = [
  {
    name: 'a miss loads and keeps, a hit does not load; 0, false, empty text and null are hits',
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      for (const value of [0, false, '', null, [], {}, 'text', 1.5, { deep: [{ a: null }] }]) {
        const key = JSON.stringify(value)
        const load = counted(value)
        assert.deepEqual(await here.get(key, load), value)
        assert.deepEqual(await here.get(key, load), value)
        assert.deepEqual(await there.get(key, load), value)
        assert.deepEqual(await there.get(key), value)
        assert.equal(load.calls, 1, key)
      }
      assert.equal(await here.get('nothing'), undefined)
    },
  },
  {
    name: 'undefined from a loader is not kept, and is for the negative time if there is one',
    async run(harness) {
      const [plain, negative] = [await handle(harness), await handle(harness, { negative: '1m' })]
      const load = counted(undefined)
      for (let i = 0; i < 2; i++) assert.equal(await plain.get('a', load), undefined)
      assert.equal(load.calls, 2)
      for (let i = 0; i < 3; i++) assert.equal(await negative.get('b', load), undefined)
      assert.equal(load.calls, 3)
      await negative.set('b', 1)
      assert.equal(await negative.get('b', load), 1)
    },
  },
  {
    name: 'one loader runs for a key in the whole fleet, and all get its value',
    async run(harness) {
      const handles = await Promise.all([1, 2, 3].map(() => handle(harness)))
      const gate = Promise.withResolvers<void>()
      const load = counted('loaded', gate.promise)
      const asked = handles.flatMap((each) => Array.from({ length: 20 }, () => each.get('hot', load)))
      await until('one loads', () => load.calls >= 1)
      setTimeout(gate.resolve, 50)
      assert.deepEqual(new Set(await Promise.all(asked)), new Set(['loaded']))
      assert.equal(load.calls, 1)
    },
  },
  {
    name: 'a failing loader fails all who wait, with its own error, and the next call loads anew',
    async run(harness) {
      const cache = await handle(harness)
      const failure = new Error('the database is away')
      let calls = 0
      const load = async () => {
        if (++calls === 1) throw failure
        return 'well'
      }
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => cache.get('a', load)))
      assert.deepEqual(
        outcomes.map((each) => each.status === 'rejected' && each.reason),
        [failure, failure, failure],
      )
      assert.equal(await cache.get('a', load), 'well')
      assert.equal(calls, 2)
      const sync = () => {
        throw failure
      }
      await assert.rejects(cache.get('b', sync), failure)
    },
  },
  {
    name: 'when the process that loads dies, another takes over',
    async run(harness) {
      const dead = await harness.driver()
      const cache = await handle(harness)
      await dead.lock('a', 'dead', 300, [])
      const load = counted('loaded')
      const asked = cache.get('a', load)
      assert.equal(await asked, 'loaded')
      assert.equal(load.calls, 1)
      assert.equal(await cache.get('a'), 'loaded')
    },
  },
  {
    name: 'what is deleted or set while a loader runs is not overwritten by it',
    async run(harness) {
      const [here, there] = [await handle(harness, { near: 100 }), await handle(harness)]
      const changes = [
        (key: string) => there.delete(key),
        (key: string) => here.delete(key),
        (key: string) => there.set(key, 'new'),
        (key: string) => here.set(key, 'new'),
      ]
      for (const [i, change] of changes.entries()) {
        const key = `key${i}`
        const gate = Promise.withResolvers<void>()
        const old = counted('old', gate.promise)
        const asked = here.get(key, old)
        await until('it loads', () => old.calls === 1)
        await change(key)
        gate.resolve()
        assert.equal(await asked, 'old')
        assert.equal(await there.get(key, counted('new')), 'new')
        await until('the near tier agrees', async () => (await here.get(key, counted('new'))) === 'new')
      }
    },
  },
  {
    name: 'who asks after a deletion does not get what was being loaded before it',
    async run(harness) {
      const cache = await handle(harness)
      const gate = Promise.withResolvers<void>()
      const old = counted('old', gate.promise)
      const before = cache.get('a', old)
      await until('it loads', () => old.calls === 1)
      await cache.delete('a')
      const after = cache.get('a', counted('new'))
      assert.equal(await after, 'new')
      gate.resolve()
      assert.equal(await before, 'old')
      assert.equal(await cache.get('a'), 'new')
    },
  },
  {
    name: 'a stale value is served while one caller of the fleet renews it',
    async run(harness) {
      const options = { ttl: '20ms', stale: '1m' } as const
      const [here, there] = [await handle(harness, options), await handle(harness, options)]
      let version = 0
      const load = async () => ++version
      assert.equal(await here.get('a', load), 1)
      await until('it is renewed', async () => {
        const [one, two] = await Promise.all([here.get('a', load), there.get('a', load)])
        assert.ok(one !== undefined && two !== undefined, 'never a miss')
        return (await there.get('a')) === 2 || version > 2
      })
      const failing = () => Promise.reject(new Error('away'))
      await until('it is stale again, and a loader that fails does not take it away', async () => {
        assert.ok(Number(await here.get('a', failing)) >= 2)
        return (await here.stats())['stale']! > 3
      })
    },
  },
  {
    name: 'a value over the size of the driver is answered, not kept, and leaves no old one',
    async run(harness) {
      const cache = await handle(harness, { near: 10 })
      const { maxBytes } = (await harness.driver()).capabilities
      if (maxBytes > 64 * 1024 * 1024) return
      const large = 'x'.repeat(maxBytes + 1)
      await cache.set('a', 'small')
      await assert.rejects(cache.set('a', large), (error) => isAshlarError(error, 'invalid_argument'))
      assert.equal(await cache.get('a'), undefined)
      const load = counted(large)
      assert.equal(await cache.get('a', load), large)
      assert.equal(await cache.get('a'), undefined)
      assert.equal(load.calls, 1)
    },
  },
  {
    name: 'tells hits, misses, what is kept and what the hits saved',
    async run(harness) {
      const cache = await handle(harness)
      const slow = async () => new Promise((resolve) => setTimeout(() => resolve('x'.repeat(100)), 20))
      await cache.get('a', slow)
      for (let i = 0; i < 3; i++) await cache.get('a', slow)
      const { hits, misses, hitRate, entries, bytes, savedMs } = await cache.stats()
      assert.deepEqual([hits, misses, hitRate, entries], [3, 1, 0.75, 1])
      assert.ok(bytes! >= 100 && savedMs! >= 3 * 15, `${bytes} bytes, ${savedMs} ms saved`)
    },
  },
]
