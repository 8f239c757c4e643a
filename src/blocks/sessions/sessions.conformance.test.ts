import { randomUUID } from 'node:crypto'
import { silent, type OpenContext } from '../../block.ts'
import { conforms } from '../../conformance.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { sessionsSuite, type SessionsHarness } from './conformance.ts'
import type { SessionDriver } from './driver.ts'
import { open as openMemory } from './memory.ts'
import { open as openPostgres } from './postgres.ts'

export function contextOf(url: string, name = 'logins'): OpenContext {
  const block = () => {
    throw new Error('sessions need no other block')
  }
  return { name, service: 'tested', url, folder: '.ashlar', secret: 'x'.repeat(32), relays: false, log: silent, block }
}

export function harnessOf(
  open: (context: OpenContext) => Promise<SessionDriver>,
  url: string,
  after: () => PromiseLike<void> = async () => undefined,
): SessionsHarness & AsyncDisposable {
  const drivers: SessionDriver[] = []
  return {
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
  open: async () => harnessOf(openMemory, `memory:${randomUUID()}`),
})

conforms(sessionsSuite, {
  driver: 'postgres',
  capabilities: {},
  async open() {
    const db = await testDatabase()
    return harnessOf(openPostgres, db.url, () => db[Symbol.asyncDispose]())
  },
})
