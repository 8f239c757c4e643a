import assert from 'node:assert/strict'
import { after } from 'node:test'
import { silent, type OpenContext } from '../../block.ts'
import { conforms, type Subject } from '../../conformance.ts'
import { testDatabase, type TestDatabase } from '../../../test/servers/postgres.ts'
import { streamSuite, type StreamHarness } from './conformance.ts'
import type { StreamDriver } from './driver.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

function contextOf(url: string, name: string): OpenContext {
  return {
    name,
    service: 'test',
    url,
    folder: '',
    secret: '',
    relays: false,
    log: silent,
    block: () => assert.fail('a stream needs no other block'),
  }
}

let cases = 0

function subject(
  driver: string,
  { open, codeOf }: typeof memory,
  of: { compaction: boolean; sessionMs: number; url(): Promise<string> },
): Subject<StreamHarness> {
  return {
    driver,
    capabilities: { compaction: of.compaction },
    async open() {
      const url = await of.url()
      const prefix = `case${cases++}`
      const drivers: StreamDriver[] = []
      return {
        codeOf,
        sessionMs: of.sessionMs,
        async open({ stream = 'log', partitions = 4 } = {}) {
          const opened = await (await open(contextOf(url, `${prefix}-${stream}`))).open({ partitions })
          assert.equal(opened.capabilities.compaction, of.compaction)
          drivers.push(opened)
          return opened
        },
        async [Symbol.asyncDispose]() {
          await Promise.all(drivers.map((each) => each.close()))
        },
      }
    },
  }
}

let database: Promise<TestDatabase> | undefined
after(async () => (await database)?.[Symbol.asyncDispose]())

const inMemory = async () => 'memory:conformance'
const inPostgres = async () => (await (database ??= testDatabase())).url
conforms(streamSuite, subject('memory', memory, { compaction: true, sessionMs: 300, url: inMemory }))
conforms(streamSuite, subject('postgres', postgres, { compaction: false, sessionMs: 500, url: inPostgres }))
