import { randomUUID } from 'node:crypto'
import { silent, type OpenContext } from '../../block.ts'
import { conforms } from '../../conformance.ts'
import type { DriverModule } from '../../declare.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { cacheSuite, type CacheHarness } from './conformance.ts'
import type { CacheDriver } from './driver.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

function contextOf(url: string, name = 'feed'): OpenContext {
  const block = () => {
    throw new Error('a cache needs no other block')
  }
  return { name, service: 'tested', url, folder: '.ashlar', secret: 'x'.repeat(32), relays: false, log: silent, block }
}

function harnessOf(
  { open, codeOf }: DriverModule<CacheDriver>,
  url: string,
  after: () => PromiseLike<void> = async () => undefined,
): CacheHarness & AsyncDisposable {
  const drivers: CacheDriver[] = []
  return {
    codeOf,
    async driver(name) {
      const driver = await open(contextOf(url, name))
      drivers.push(driver)
      return driver
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(drivers.map((driver) => driver.close()))
      await after()
    },
  }
}

conforms(cacheSuite, {
  driver: 'memory',
  capabilities: { tags: true, events: true },
  open: async () => harnessOf(memory, `memory:${randomUUID()}`),
})

conforms(cacheSuite, {
  driver: 'postgres',
  capabilities: { tags: true, events: true },
  async open() {
    const db = await testDatabase()
    return harnessOf(postgres, db.url, () => db[Symbol.asyncDispose]())
  },
})
