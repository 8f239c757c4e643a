import { silent, type OpenContext } from '../../block.ts'
import { conforms, type Subject } from '../../conformance.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { searchSuite, type SearchHarness } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres/index.ts'

let indexes = 0

/** Another index for each case. */
function contextOf(url: string): OpenContext {
  const unknown = (name: string): never => {
    throw new Error(`no block ${name} here`)
  }
  return {
    name: `photos${indexes++}`,
    service: 'test',
    url,
    folder: '',
    secret: '',
    relays: false,
    log: silent,
    block: unknown,
  }
}

const onMemory: Subject<SearchHarness> = {
  driver: 'memory',
  capabilities: {},
  async open() {
    const context = contextOf('memory:shared')
    const opening = memory.open(context) // keeps the store while the case opens and closes others
    await opening
    return {
      scheme: 'memory',
      codeOf: memory.codeOf,
      open: () => memory.open(context),
      [Symbol.asyncDispose]: async () => (await opening).close(),
    }
  },
}

const database = await testDatabase()

const onPostgres: Subject<SearchHarness> = {
  driver: 'postgres',
  capabilities: {},
  async open() {
    const context = contextOf(database.url)
    return {
      scheme: 'postgres',
      codeOf: postgres.codeOf,
      open: () => postgres.open(context),
      async [Symbol.asyncDispose]() {},
    }
  },
}

conforms(searchSuite, onMemory)
conforms(searchSuite, onPostgres)
