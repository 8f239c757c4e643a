import { randomUUID } from 'node:crypto'
import { silent, type OpenContext } from '../../block.ts'
import { conforms } from '../../conformance.ts'
import type { DriverModule } from '../../declare.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { sessionsSuite, type SessionsHarness } from './conformance.ts'
import type { SessionDriver } from './driver.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

export function contextOf(url: string, name = 'logins'): OpenContext {
  const block = () => {
    throw new Error('sessions need no other block')
  }
  return { name, service: 'tested', url, folder: '.ashlar', secret: 'x'.repeat(32), relays: false, log: silent, block }
}

export function harnessOf(
  { open, codeOf }: DriverModule<SessionDriver>,
  url: string,
  after: () => PromiseLike<void> = async () => undefined,
): SessionsHarness & AsyncDisposable {
  const drivers: SessionDriver[] = []
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

conforms(sessionsSuite, {
  driver: 'memory',
  capabilities: {},
  open: async () => harnessOf(memory, `memory:${randomUUID()}`),
})

conforms(sessionsSuite, {
  driver: 'postgres',
  capabilities: {},
  async open() {
    const db = await testDatabase()
    return harnessOf(postgres, db.url, () => db[Symbol.asyncDispose]())
  },
})
