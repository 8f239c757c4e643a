import type { OpenContext } from '../../src/block.ts'
import type { Subject } from '../../src/conformance.ts'
import type { DriverModule } from '../../src/declare.ts'
import type { Code } from '../../src/errors.ts'
import { contextOf } from '../context.ts'
import { testDatabase } from './postgres.ts'

/** What queue and topic suites have in common: any number of drivers in a room of their own. */
export interface LeasedHarness<Driver> extends AsyncDisposable {
  driver(name?: string): Promise<Driver>
  codeOf(error: unknown): Code | undefined
  databaseUrl?: string
}

interface Closing {
  close(): Promise<void>
}

export interface Engine<Driver> {
  driver: string
  module: DriverModule<Driver>
  url: string
  capabilities: Record<string, boolean>
  context?: Partial<OpenContext>
  /** Takes away what a case has left in the engine; the drivers are still open. */
  clean?(drivers: Driver[]): Promise<unknown>
}

/** A case gets a service of its own, so that its names in the engine are nobody else's. */
export function onEngine<Driver extends Closing>(engine: Engine<Driver>): Subject<LeasedHarness<Driver>> {
  return {
    driver: engine.driver,
    capabilities: engine.capabilities,
    open: async () => opening(engine, `t${crypto.randomUUID().slice(0, 8)}`),
  }
}

function opening<Driver extends Closing>(engine: Engine<Driver>, service: string): LeasedHarness<Driver> {
  const { open, codeOf } = engine.module
  const opened: Driver[] = []
  return {
    codeOf: (error) => codeOf(error),
    async driver(name = 'tested') {
      const driver = await open(contextOf(engine.url, name, { ...engine.context, service }))
      opened.push(driver)
      return driver
    },
    async [Symbol.asyncDispose]() {
      await engine.clean?.(opened)
      await Promise.all(opened.map((driver) => driver.close()))
    },
  }
}

export function onMemory<Driver extends Closing>(
  module: DriverModule<Driver>,
  capabilities: Record<string, boolean>,
): Subject<LeasedHarness<Driver>> {
  return {
    driver: 'memory',
    capabilities,
    async open() {
      const harness = opening(
        { driver: 'memory', module, url: `memory:${crypto.randomUUID()}`, capabilities },
        'tested',
      )
      await harness.driver() // the store lasts as long as a handle is open
      return harness
    },
  }
}

export function onPostgres<Driver extends Closing>(
  module: DriverModule<Driver>,
  capabilities: Record<string, boolean>,
): Subject<LeasedHarness<Driver>> {
  return {
    driver: 'postgres',
    capabilities,
    async open() {
      const db = await testDatabase()
      const harness = opening({ driver: 'postgres', module, url: db.url, capabilities }, 'tested')
      return {
        ...harness,
        databaseUrl: db.url,
        async [Symbol.asyncDispose]() {
          await harness[Symbol.asyncDispose]()
          await db[Symbol.asyncDispose]()
        },
      }
    },
  }
}
