import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { silent } from '../../block.ts'
import { verify } from '../../conformance.ts'
import { cacheSuite } from './conformance.ts'
import type { CacheDriver } from './driver.ts'
import { codeOf, open } from './memory.ts'

/** Runs the cases with these names on memory with something broken; answers the names of those that noticed. */
async function caught(breaks: (driver: CacheDriver) => Partial<CacheDriver>, ...names: string[]): Promise<string[]> {
  const cases = cacheSuite.cases.filter(({ name }) => names.length === 0 || names.includes(name))
  assert.ok(cases.length >= names.length, 'no case of that name')
  const outcomes = await verify(
    { block: 'cache', cases },
    {
      driver: 'broken',
      capabilities: { tags: true, events: true },
      async open() {
        const url = `memory:${randomUUID()}`
        const drivers: CacheDriver[] = []
        return {
          codeOf,
          async driver(name = 'feed') {
            const context = { name, service: '', url, folder: '', secret: '', relays: false, log: silent }
            const driver = await open({ ...context, block: () => assert.fail() })
            drivers.push(driver)
            return broken(driver, breaks(driver))
          },
          async [Symbol.asyncDispose]() {
            await Promise.all(drivers.map((driver) => driver.close()))
          },
        }
      },
    },
  )
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}

function broken(driver: CacheDriver, changes: Partial<CacheDriver>): CacheDriver {
  return new Proxy(driver, {
    get(target, property) {
      const value: unknown = Reflect.get(changes, property) ?? Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('a whole driver is not accused', async () => {
  assert.deepEqual(await caught(() => ({})), [])
})

test('a driver that loses the time of entries is caught', async () => {
  const name = 'never answers an entry after its time, and not before loses it'
  const lost = (driver: CacheDriver): Partial<CacheDriver> => ({
    set: (entries) => driver.set(entries.map((entry) => ({ ...entry, ttlMs: 60_000 }))),
  })
  assert.deepEqual(await caught(lost, name), [name])
})

test('a driver that takes a long time for a date is caught', async () => {
  const name = 'a time of more than 30 days is a time and no date'
  const dated = (driver: CacheDriver): Partial<CacheDriver> => ({
    set: (entries) =>
      driver.set(entries.map((entry) => ({ ...entry, ttlMs: entry.ttlMs > 2_592_000_000 ? 1 : entry.ttlMs }))),
  })
  assert.deepEqual(await caught(dated, name), [name])
})

test('a driver that keeps what was loaded before a deletion is caught', async () => {
  const names = await caught((driver) => ({
    set: (entries) => driver.set(entries.map(({ token: _, ...entry }) => entry)),
  }))
  assert.ok(names.includes('what is deleted or set while a loader runs is not overwritten by it'), names.join('; '))
  assert.ok(names.includes('a deletion, an overwrite and a tag take the right to keep what was loaded before them'))
})

test('a driver that gives its lock to everybody is caught', async () => {
  const names = await caught(
    () => ({ lock: async () => true }),
    'one loader runs for a key in the whole fleet, and all get its value',
    'of many who ask for a lock at once one gets it',
  )
  assert.equal(names.length, 2)
})

test('a driver whose locks never end is caught', async () => {
  const name = 'when the process that loads dies, another takes over'
  const forever = (driver: CacheDriver): Partial<CacheDriver> => ({
    lock: (key, token, _, tags) => driver.lock(key, token, 3_600_000, tags),
    unlock: async () => undefined,
  })
  // the waiter takes over after 10 s, and then keeps nothing
  assert.deepEqual(await caught(forever, name), [name])
})

test('a driver that tells nobody of changes is caught', async () => {
  const name = 'others hear of deletions and overwrites, by digest'
  assert.deepEqual(await caught(() => ({ onChange: async () => async () => undefined }), name), [name])
})

test('a driver that mixes up the order of answers is caught', async () => {
  const name = 'keeps what is set, for every process, in the order of the keys asked for'
  assert.deepEqual(await caught((driver) => ({ get: async (keys) => (await driver.get(keys)).toReversed() }), name), [
    name,
  ])
})

test('a driver that forgets to take tags along is caught', async () => {
  const name = 'a tag takes all its entries along, and no other'
  assert.deepEqual(await caught((driver) => ({ invalidate: (tags) => driver.invalidate(tags.slice(1)) }), name), [name])
})
