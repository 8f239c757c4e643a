import assert from 'node:assert/strict'
import { silent } from '../../block.ts'
import { until, type Case, type Suite } from '../../conformance.ts'
import { isAshlarError, type Code } from '../../errors.ts'
import type { Cache, CacheOptions } from './cache.ts'
import { digestOf } from './digest.ts'
import type { CacheDriver, Write } from './driver.ts'
import { OpenCache } from './open.ts'
import { settingsOf } from './settings.ts'

/** What a driver needs for the suite. */
export interface CacheHarness {
  /**
   * One more driver on the same store, which is empty at first, as another process would open it; the harness closes it.
   * @param name of the block; default one and the same
   */
  driver(name?: string): Promise<CacheDriver>
  codeOf(error: unknown): Code | undefined
}

const minute = 60_000
/** For what is due within 100 ms. */
const patienceMs = 3_000
const patient: CacheOptions = { deadline: '5s', near: 0 }

async function handle(harness: CacheHarness, options: CacheOptions = {}): Promise<Cache<unknown>> {
  return over(harness, await harness.driver(), { ...patient, ...options })
}

/** The portable type over a driver of the harness. */
function over(harness: CacheHarness, driver: CacheDriver, options: CacheOptions): Promise<Cache<unknown>> {
  const codeOf = (error: unknown) => harness.codeOf(error)
  const settings = settingsOf(options)
  return OpenCache.open({ name: 'feed', driver, scheme: 'tested', codeOf, settings, log: silent })
}

function write(key: string, value: string, changes: Partial<Write> = {}): Write {
  return { key, value, ttlMs: minute, tags: [], ...changes }
}

async function values(driver: CacheDriver, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await driver.get(keys)).map((found) => found?.value)
}

/** A loader that counts, and waits for a word if it is told to. */
function counted<T>(value: T, gate?: Promise<unknown>) {
  const loader = Object.assign(
    async () => {
      loader.calls++
      await gate
      return value
    },
    { calls: 0 },
  )
  return loader
}

const driverCases: Case<CacheHarness>[] = [
  {
    name: 'keeps what is set, for every process, in the order of the keys asked for',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      assert.deepEqual(await here.set([write('b', '2'), write('a', '1')]), [true, true])
      assert.deepEqual(await values(there, 'a', 'x', 'b'), ['1', undefined, '2'])
      const [found] = await there.get(['a'])
      assert.ok(found!.ttlMs <= minute && found!.ttlMs > minute / 2, `${found!.ttlMs}`)
      await there.set([write('a', '3')])
      assert.deepEqual(await values(here, 'a'), ['3'])
    },
  },
  {
    name: 'never answers an entry after its time, and not before loses it',
    async run(harness) {
      const driver = await harness.driver()
      await driver.set([write('long', '1'), write('short', '2', { ttlMs: 40 })])
      await until('the short one is over', async () => (await values(driver, 'short'))[0] === undefined, patienceMs)
      assert.deepEqual(await values(driver, 'long', 'short'), ['1', undefined])
    },
  },
  {
    name: 'a time of more than 30 days is a time and no date',
    async run(harness) {
      const driver = await harness.driver()
      const days = [29, 31, 189, 400]
      await driver.set(days.map((each) => write(`${each}`, 'x', { ttlMs: each * 86_400_000 })))
      const found = await driver.get(days.map(String))
      days.forEach((each, i) => {
        const left = found[i]!.ttlMs / 86_400_000
        assert.ok(left <= each && left > each - 0.1, `${left} of ${each} days are left`)
      })
    },
  },
  {
    name: 'an overwrite takes value and time anew',
    async run(harness) {
      const driver = await harness.driver()
      await driver.set([write('a', '1', { ttlMs: 30 })])
      await driver.set([write('a', '2', { ttlMs: minute })])
      await driver.set([write('b', '1', { ttlMs: minute })])
      await driver.set([write('b', '2', { ttlMs: 30 })])
      await until('b is over', async () => (await values(driver, 'b'))[0] === undefined, patienceMs)
      assert.deepEqual(await values(driver, 'a'), ['2'])
    },
  },
  {
    name: 'a deleted entry is gone for every process',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      await here.set([write('a', '1'), write('b', '2'), write('c', '3')])
      await there.delete(['a', 'c', 'never there'])
      assert.deepEqual(await values(here, 'a', 'b', 'c'), [undefined, '2', undefined])
    },
  },
  {
    name: 'keys and values come back as they are, long and odd ones too',
    async run(harness) {
      const driver = await harness.driver()
      const long = 'k'.repeat(5000)
      const keys = [
        'a',
        'A',
        'a ',
        '\0',
        '\ud800',
        '\ud801',
        'ä',
        'a\u0308',
        '😀',
        `${long}1`,
        `${long}2`,
        'sha256:a',
        "'",
        '{}',
      ]
      await driver.set(keys.map((key, i) => write(key, JSON.stringify(`${i} \0 😀 \ud800 "'`))))
      assert.deepEqual(
        await values(driver, ...keys),
        keys.map((_, i) => JSON.stringify(`${i} \0 😀 \ud800 "'`)),
      )
      const large = JSON.stringify('x'.repeat(Math.min(driver.capabilities.maxBytes, 1_000_000) - 2))
      await driver.set([write('large', large)])
      assert.equal((await values(driver, 'large'))[0]?.length, large.length)
    },
  },
  {
    name: 'blocks of other names in the same store are apart',
    async run(harness) {
      const [mine, theirs] = [await harness.driver('mine'), await harness.driver('theirs')]
      await mine.set([write('a', '1', { tags: mine.capabilities.tags ? ['t'] : [] })])
      assert.deepEqual(await values(theirs, 'a'), [undefined])
      await theirs.delete(['a'])
      if (theirs.capabilities.tags) await theirs.invalidate(['t'])
      assert.equal(await theirs.lock('a', 'token', minute, []), true)
      assert.deepEqual(await values(mine, 'a'), ['1'])
      assert.equal((await theirs.stats()).entries, 0)
    },
  },
  {
    name: 'a tag takes all its entries along, and no other',
    needs: 'tags',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      const tagged = Array.from({ length: 300 }, (_, i) =>
        write(`user1:${i}`, '1', { tags: ['user1', `odd"\\{},${i}`] }),
      )
      await here.set([...tagged, write('other', '2', { tags: ['user10', 'user'] }), write('none', '3')])
      await there.invalidate(['user1', 'unknown'])
      assert.deepEqual(await values(here, 'user1:0', 'user1:299', 'other', 'none'), [undefined, undefined, '2', '3'])
      await here.set([write('a', '1', { tags: ['x'] })])
      await here.set([write('a', '2', { tags: ['odd"\\{},'] })])
      await there.invalidate(['x'])
      assert.deepEqual(await values(here, 'a'), ['2'])
      await there.invalidate(['odd"\\{},'])
      assert.deepEqual(await values(here, 'a'), [undefined])
    },
  },
  {
    name: 'one holds the lock of a key; it ends with unlock, with its time, and with nothing else',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      assert.equal(await here.lock('a', 'one', minute, []), true)
      assert.equal(await there.lock('a', 'two', minute, []), false)
      assert.equal(await there.lock('b', 'two', 40, []), true)
      await there.unlock('a', 'two')
      assert.equal(await there.prolong('a', 'two', minute), false)
      assert.equal(await there.lock('a', 'two', minute, []), false)
      await until('the lock of b lapses', () => here.lock('b', 'three', minute, []), patienceMs)
      assert.equal(await there.prolong('b', 'two', minute), false)
      assert.equal(await here.prolong('b', 'three', minute), true)
      await here.unlock('a', 'one')
      assert.equal(await there.lock('a', 'two', minute, []), true)
    },
  },
  {
    name: 'of many who ask for a lock at once one gets it',
    async run(harness) {
      const drivers = await Promise.all([1, 2, 3].map(() => harness.driver()))
      const asked = Array.from({ length: 30 }, (_, i) => drivers[i % 3]!.lock('a', `token${i}`, minute, []))
      assert.equal((await Promise.all(asked)).filter(Boolean).length, 1)
    },
  },
  {
    name: 'a write with a token needs its lock, and frees it',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      await here.lock('a', 'one', minute, [])
      assert.deepEqual(await there.set([write('a', '2', { token: 'two' }), write('b', '2')]), [false, true])
      assert.deepEqual(await values(here, 'a', 'b'), [undefined, '2'])
      assert.deepEqual(await here.set([write('a', '1', { token: 'one' })]), [true])
      assert.equal(await there.lock('a', 'two', 40, []), true)
      await until('it lapses', async () => !(await there.prolong('a', 'two', 1)), patienceMs)
      assert.deepEqual(await there.set([write('a', 'late', { token: 'two' })]), [false])
      assert.deepEqual(await values(here, 'a'), ['1'])
    },
  },
  {
    name: 'a deletion, an overwrite and a tag take the right to keep what was loaded before them',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      const tags = here.capabilities.tags ? ['t'] : []
      for (const key of ['a', 'b', 'c']) await here.lock(key, 'loader', minute, tags)
      await there.delete(['a'])
      await there.set([write('b', 'new')])
      if (here.capabilities.tags) await there.invalidate(['t'])
      else await there.delete(['c'])
      const old = ['a', 'b', 'c'].map((key) => write(key, 'old', { token: 'loader' }))
      assert.deepEqual(await here.set(old), [false, false, false])
      assert.deepEqual(await values(here, 'a', 'b', 'c'), [undefined, 'new', undefined])
      assert.equal(await here.prolong('a', 'loader', minute), false)
    },
  },
  {
    name: 'writes and deletions of many keys from many processes at once end, and each is whole',
    async run(harness) {
      const drivers = await Promise.all([1, 2, 3].map(() => harness.driver()))
      const keys = Array.from({ length: 50 }, (_, i) => `key${i}`)
      await Promise.all(
        Array.from({ length: 15 }, async (_, round) => {
          const order = round % 2 ? keys : keys.toReversed()
          if (round % 5 === 4) await drivers[round % 3]!.delete(order)
          else await drivers[round % 3]!.set(order.map((key) => write(key, `"${round}"`)))
        }),
      )
      await drivers[0]!.set(keys.map((key) => write(key, '"last"')))
      assert.deepEqual(new Set(await values(drivers[1]!, ...keys)), new Set(['"last"']))
    },
  },
  {
    name: 'others hear of deletions and overwrites, by digest',
    needs: 'events',
    async run(harness) {
      const [here, there] = [await harness.driver(), await harness.driver()]
      const heard = new Set<string | undefined>()
      const stop = await there.onChange((digests) => (digests ?? [undefined]).forEach((each) => heard.add(each)))
      await here.set([write('a', '1'), write('b', '1'), write('c', '1')])
      await here.set([write('a', '2')])
      await here.delete(['b'])
      await until(
        'both are told',
        () => [digestOf('a'), digestOf('b')].every((each) => heard.has(each) || heard.has(undefined)),
        patienceMs,
      )
      assert.ok(heard.has(undefined) || !heard.has(digestOf('c')), 'a first write is no change')
      await stop()
      heard.clear()
      await here.delete(['c'])
      assert.equal(heard.has(digestOf('c')), false)
    },
  },
  {
    name: 'counts live entries and their bytes, and a sweep keeps the bounds by what ends soonest',
    async run(harness) {
      const driver = await harness.driver()
      await driver.set(
        Array.from({ length: 100 }, (_, i) => write(`${i}`, 'x'.repeat(100), { ttlMs: minute + i * 1000 })),
      )
      const { entries, bytes } = await driver.stats()
      assert.equal(entries, 100)
      assert.ok(bytes >= 10_000)
      await driver.sweep({ maxEntries: 60, maxBytes: 1e9 })
      if (!driver.capabilities.bounds) return
      assert.equal((await driver.stats()).entries, 60)
      assert.deepEqual(await values(driver, '39', '40'), [undefined, 'x'.repeat(100)])
    },
  },
]

const cacheCases: Case<CacheHarness>[] = [
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
    name: 'the near tier answers by itself, and hears of what others change',
    needs: 'events',
    async run(harness) {
      const driver = await harness.driver()
      let asked = 0
      const counting: CacheDriver = Object.assign(Object.create(driver) as CacheDriver, {
        capabilities: driver.capabilities,
        get: (keys: readonly string[]) => (asked++, driver.get(keys)),
        set: driver.set.bind(driver),
        delete: driver.delete.bind(driver),
        onChange: driver.onChange.bind(driver),
        lock: driver.lock.bind(driver),
        stats: driver.stats.bind(driver),
        close: driver.close.bind(driver),
      })
      const here = await over(harness, counting, { near: 10, nearTtl: '1h', deadline: '5s' })
      const there = await handle(harness)
      await there.set('a', 1)
      assert.equal(await here.get('a'), 1)
      const before = asked
      for (let i = 0; i < 10; i++) assert.equal(await here.get('a'), 1)
      assert.equal(asked, before)
      await there.set('a', 2)
      await until('the change arrives', async () => (await here.get('a')) === 2)
      await there.delete('a')
      await until('the deletion arrives', async () => (await here.get('a')) === undefined)
      await here.set('b', 1)
      await here.set('b', 2)
      assert.equal(await here.get('b'), 2)
      await here.delete('b')
      assert.equal(await here.get('b'), undefined)
    },
  },
  {
    name: 'without news the near tier is behind for its own time and no longer',
    async run(harness) {
      const driver = await harness.driver()
      const deaf = new Proxy(driver, {
        get(target, property) {
          if (property === 'onChange') return async () => async () => undefined
          const value: unknown = Reflect.get(target, property, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const here = await over(harness, deaf, { near: 10, nearTtl: '50ms', deadline: '5s' })
      const there = await handle(harness)
      await there.set('a', 1)
      assert.equal(await here.get('a'), 1)
      await there.set('a', 2)
      await until('it is up to date', async () => (await here.get('a')) === 2)
    },
  },
  {
    name: 'invalidation by tag reaches near tiers',
    needs: 'tags',
    async run(harness) {
      const [here, there] = [await handle(harness, { near: 10 }), await handle(harness, { near: 10 })]
      await here.get('a', () => 1, { tags: ['user1'] })
      await here.get('b', () => 1, { tags: ['user2'] })
      assert.deepEqual([await there.get('a'), await here.get('a')], [1, 1])
      await there.invalidate('user1')
      assert.equal(await there.get('a'), undefined)
      await until('the other process knows', async () => (await here.get('a')) === undefined)
      assert.equal(await here.get('b'), 1)
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

/** What `cache` promises, whatever stands behind it. */
export const cacheSuite: Suite<CacheHarness> = { block: 'cache', cases: [...driverCases, ...cacheCases] }
