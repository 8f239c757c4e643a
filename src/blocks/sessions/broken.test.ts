import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { silent } from '../../block.ts'
import { verify } from '../../conformance.ts'
import { sessionsSuite } from './conformance.ts'
import type { SessionDriver } from './driver.ts'
import { codeOf, open } from './memory.ts'

type Break = (driver: SessionDriver) => Partial<SessionDriver>

/** Runs the suite on memory with something broken; answers the names of the cases that noticed. */
async function caught(breaks: Break): Promise<string[]> {
  const outcomes = await verify(sessionsSuite, {
    driver: 'broken',
    capabilities: {},
    async open() {
      const url = `memory:${randomUUID()}`
      const drivers: SessionDriver[] = []
      return {
        codeOf,
        async driver(name = 'logins') {
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
  })
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}

function broken(driver: SessionDriver, changes: Partial<SessionDriver>): SessionDriver {
  return new Proxy(driver, {
    get(target, property) {
      const value: unknown = Reflect.get(changes, property) ?? Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('a driver that forgets the idle end is caught', async () => {
  const names = await caught((driver) => ({
    insert: (session) => driver.insert({ ...session, idleMs: session.absoluteMs }),
  }))
  assert.ok(names.includes('ends after its idle time, for every call'), names.join('; '))
})

test('a driver that lets the last update win is caught', async () => {
  const names = await caught((driver) => ({
    async update(idHash, _expected, data) {
      const now = await driver.read(idHash, 1)
      return now ? driver.update(idHash, now.version, data) : false
    },
  }))
  assert.ok(names.includes('an update that another one overtakes holds, and so does the other'), names.join('; '))
  assert.ok(names.includes('an update replaces the version it read and no other'))
})

test('a driver whose update brings an ended session back is caught', async () => {
  const names = await caught((driver) => ({
    async update(idHash, expected, data) {
      if (await driver.update(idHash, expected, data)) return true
      if (await driver.read(idHash, 1)) return false
      await driver.insert({ idHash, user: 'ada', data, idleMs: 60_000, absoluteMs: 60_000 })
      return true
    },
  }))
  assert.ok(names.includes('a log-out is not undone by a request that was under way'), names.join('; '))
})

test('a driver whose rotation leaves the old id alive is caught', async () => {
  const names = await caught((driver) => ({
    async rotate(idHash, toIdHash, user) {
      const found = await driver.read(idHash, 1)
      if (!found) return false
      await driver.insert({ ...found, idHash: toIdHash, user: user ?? found.user, idleMs: 60_000, absoluteMs: 60_000 })
      return true
    },
  }))
  assert.ok(names.includes('rotation moves everything to a new id and ends the old one at once'), names.join('; '))
})

test('a driver that ends the session to be kept is caught', async () => {
  const names = await caught((driver) => ({ deleteUser: (user) => driver.deleteUser(user) }))
  assert.deepEqual(names, ["endAll ends every session of that user but the one named, and nobody else's"])
})

test('a driver that never prolongs is caught', async () => {
  const names = await caught((driver) => ({ read: (idHash) => driver.read(idHash, 1) }))
  assert.ok(names.includes('a read prolongs the idle time once a tenth of it has passed, not sooner'), names.join('; '))
})
