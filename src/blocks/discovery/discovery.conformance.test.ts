import { after } from 'node:test'
import { silent, type OpenContext } from '../../block.ts'
import { conforms, type Subject } from '../../conformance.ts'
import { testDatabase, type TestDatabase } from '../../../test/servers/postgres.ts'
import { discoverySuite, type DiscoveryHarness } from './conformance.ts'
import type { DiscoveryDriver } from './driver.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

function contextOf(url: string, name = 'found'): OpenContext {
  return {
    name,
    service: 'test',
    url,
    folder: '.ashlar',
    secret: '',
    relays: false,
    log: silent,
    block: () => {
      throw new Error('discovery needs no other block')
    },
  }
}

function subject(driver: string, { open, codeOf }: typeof memory, urlOf: () => Promise<string>, leaseMs: number) {
  let registry = 0
  return {
    driver,
    capabilities: {},
    async open() {
      const url = await urlOf()
      const name = `found${registry++}`
      const drivers: DiscoveryDriver[] = []
      return {
        codeOf,
        leaseMs,
        async open() {
          drivers.push(await open(contextOf(url, name)))
          return drivers.at(-1)!
        },
        async [Symbol.asyncDispose]() {
          await Promise.all(drivers.map((each) => each.close()))
        },
      }
    },
  } satisfies Subject<DiscoveryHarness>
}

let database: Promise<TestDatabase> | undefined
after(async () => (await database)?.[Symbol.asyncDispose]())

const names = { memory: 0 }
conforms(
  discoverySuite,
  subject('memory', memory, async () => `memory:conformance${names.memory++}`, 300),
)
conforms(
  discoverySuite,
  subject('postgres', postgres, async () => (await (database ??= testDatabase())).url, 600),
)
