import { randomUUID } from 'node:crypto'
import { silent, type OpenContext } from '../../block.ts'
import { conforms } from '../../conformance.ts'
import type { DriverModule } from '../../declare.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { limiterSuite, type LimiterHarness } from './conformance.ts'
import type { LimiterDriver } from './driver.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

function contextOf(url: string, name = 'perUser'): OpenContext {
  const block = () => {
    throw new Error('a limiter needs no other block')
  }
  return { name, service: 'tested', url, folder: '.ashlar', secret: 'x'.repeat(32), relays: false, log: silent, block }
}

function harnessOf(
  { open, codeOf }: DriverModule<LimiterDriver>,
  url: string,
  after: () => PromiseLike<void> = async () => undefined,
): LimiterHarness & AsyncDisposable {
  const drivers: LimiterDriver[] = []
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

conforms(limiterSuite, {
  driver: 'memory',
  capabilities: {},
  open: async () => harnessOf(memory, `memory:${randomUUID()}`),
})

conforms(limiterSuite, {
  driver: 'postgres',
  capabilities: {},
  async open() {
    const db = await testDatabase()
    return harnessOf(postgres, db.url, () => db[Symbol.asyncDispose]())
  },
})
