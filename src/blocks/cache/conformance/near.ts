import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { CacheDriver } from '../driver.ts'
import { handle, over, type CacheHarness } from './harness.ts'

export const nearCases: Case<CacheHarness>[] = [
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
]
