import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { digestOf } from '../digest.ts'
import { minute, patienceMs, values, write, type CacheHarness } from './harness.ts'

export const driverCases: Case<CacheHarness>[] = [
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
