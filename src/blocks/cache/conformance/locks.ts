import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { minute, patienceMs, values, write, type CacheHarness } from './harness.ts'

export const lockCases: Case<CacheHarness>[] = [
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
]
