import { silent, type OpenContext } from '../../block.ts'
import { conforms, type Subject } from '../../conformance.ts'
import type { DriverModule } from '../../declare.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { topicSuite, type TopicHarness } from './conformance.ts'
import type { TopicDriver } from './driver.ts'
import * as inMemory from './memory.ts'
import * as inPostgres from './postgres.ts'

const capabilities = { filters: true, ordered: true, deadLetters: true }

function contextOf(url: string, name: string): OpenContext {
  return {
    name,
    service: 'tested',
    url,
    folder: '.ashlar',
    secret: '',
    relays: false,
    log: silent,
    block: () => {
      throw new Error('no other block')
    },
  }
}

/** Opens drivers on one engine and closes them all. */
function openerOf(url: string, { open, codeOf }: DriverModule<TopicDriver>) {
  const opened: TopicDriver[] = []
  return {
    codeOf,
    async driver(name = 'events') {
      const driver = await open(contextOf(url, name))
      opened.push(driver)
      return driver
    },
    close: () => Promise.all(opened.map((driver) => driver.close())),
  }
}

const memory: Subject<TopicHarness> = {
  driver: 'memory',
  capabilities: { ...capabilities, transactions: false },
  async open() {
    const { driver, codeOf, close } = openerOf(`memory:${crypto.randomUUID()}`, inMemory)
    await driver() // the store lasts as long as a handle is open
    return { driver, codeOf, [Symbol.asyncDispose]: async () => void (await close()) }
  },
}

const postgres: Subject<TopicHarness> = {
  driver: 'postgres',
  capabilities: { ...capabilities, transactions: true },
  async open() {
    const db = await testDatabase()
    const { driver, codeOf, close } = openerOf(db.url, inPostgres)
    return {
      driver,
      codeOf,
      databaseUrl: db.url,
      async [Symbol.asyncDispose]() {
        await close()
        await db[Symbol.asyncDispose]()
      },
    }
  },
}

conforms(topicSuite, memory)
conforms(topicSuite, postgres)
