import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { silent } from '../../block.ts'
import { verify } from '../../conformance.ts'
import { limiterSuite } from './conformance.ts'
import type { LimiterDriver } from './driver.ts'
import { codeOf, open } from './memory.ts'

/** Runs the suite on memory with something broken; answers the names of the cases that noticed. */
async function caught(breaks: (driver: LimiterDriver) => Partial<LimiterDriver>): Promise<string[]> {
  const outcomes = await verify(limiterSuite, {
    driver: 'broken',
    capabilities: {},
    async open() {
      const url = `memory:${randomUUID()}`
      const drivers: LimiterDriver[] = []
      return {
        codeOf,
        async driver(name = 'perUser') {
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

function broken(driver: LimiterDriver, changes: Partial<LimiterDriver>): LimiterDriver {
  return new Proxy(driver, {
    get(target, property) {
      const value: unknown = Reflect.get(changes, property) ?? Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('a driver with a bucket of its own in each process is caught', async () => {
  const names = await caught(() => {
    const own = open({
      name: 'own',
      service: '',
      url: 'memory:',
      folder: '',
      secret: '',
      relays: false,
      log: silent,
      block: () => assert.fail(),
    })
    return { take: async (bucket, takes) => (await own).take(bucket, takes) }
  })
  assert.ok(
    names.includes('never gives more than it holds: 4 processes, 50 at once each, 5 tokens, exactly 5 pass'),
    names.join('; '),
  )
})

test('a driver that reads and writes in two steps is caught', async () => {
  const names = await caught((driver) => ({
    async take(bucket, takes) {
      const [first] = await driver.take(bucket, takes.slice(0, 1))
      const rest = takes.slice(1).map(() => ({ ...first! }))
      return [first!, ...rest]
    },
  }))
  assert.ok(names.includes('several takes in one call are decided in order, each by what is left'), names.join('; '))
})

test('a driver that charges for a refusal is caught', async () => {
  const names = await caught((driver) => ({
    async take(bucket, takes) {
      const answers = await driver.take(bucket, takes)
      for (const [i, { allowed }] of answers.entries())
        if (!allowed) await driver.take(bucket, [{ ...takes[i]!, cost: 1 }])
      return answers
    },
  }))
  assert.ok(names.includes('a refused take takes nothing'), names.join('; '))
})

test('a driver that fills a bucket beyond its size is caught', async () => {
  const names = await caught((driver) => ({
    take: (bucket, takes) => driver.take({ ...bucket, capacity: bucket.capacity + 1 }, takes),
  }))
  assert.ok(
    names.includes('a bucket never holds more than its capacity, however long it is left alone'),
    names.join('; '),
  )
})

test('a driver that answers out of order is caught', async () => {
  const names = await caught((driver) => ({
    take: async (bucket, takes) => await driver.take(bucket, takes.toReversed()),
  }))
  assert.ok(names.includes('several takes in one call are decided in order, each by what is left'), names.join('; '))
})

test('a driver that shortens long keys is caught', async () => {
  const names = await caught((driver) => ({
    take: (bucket, takes) =>
      driver.take(
        bucket,
        takes.map(({ key, cost }) => ({ key: key.slice(0, 200), cost })),
      ),
  }))
  assert.deepEqual(names, ['keys are apart, long and odd ones too, and so are blocks of other names'])
})
