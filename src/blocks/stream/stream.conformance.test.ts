import { after } from 'node:test'
import { conforms } from '../../conformance.ts'
import { testDatabase, type TestDatabase } from '../../../test/servers/postgres.ts'
import { streamsOn } from '../../../test/servers/streams.ts'
import { streamSuite } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

let database: Promise<TestDatabase> | undefined
after(async () => (await database)?.[Symbol.asyncDispose]())
const inPostgres = async () => (await (database ??= testDatabase())).url

conforms(
  streamSuite,
  streamsOn({
    driver: 'memory',
    module: memory,
    capabilities: { compaction: true, compactsOnTrim: true, contiguous: true, trims: true },
    sessionMs: 300,
    url: () => 'memory:conformance',
  }),
)
conforms(
  streamSuite,
  streamsOn({
    driver: 'postgres',
    module: postgres,
    capabilities: { compaction: false, contiguous: true, trims: true },
    sessionMs: 500,
    url: inPostgres,
  }),
)
