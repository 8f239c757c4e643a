import assert from 'node:assert/strict'
import type { OpenContext } from '../../src/block.ts'
import type { Subject } from '../../src/conformance.ts'
import type { DriverModule } from '../../src/declare.ts'
import type { StreamHarness } from '../../src/blocks/stream/conformance.ts'
import type { StreamDriver, StreamEngine } from '../../src/blocks/stream/driver.ts'
import { contextOf } from '../context.ts'

export interface StreamSubject {
  driver: string
  module: DriverModule<StreamEngine>
  capabilities: { compaction: boolean; [capability: string]: boolean }
  /** The shortest session that the engine keeps well. */
  sessionMs: number
  url(): Promise<string> | string
  context?: Partial<OpenContext>
  /** Takes away what a case has left in the engine; the drivers are still open. */
  clean?(drivers: StreamDriver[]): Promise<unknown>
}

/** A case gets a service of its own, so that its names in the engine are nobody else's. */
export function streamsOn(of: StreamSubject): Subject<StreamHarness> {
  return {
    driver: of.driver,
    capabilities: of.capabilities,
    async open() {
      const url = await of.url()
      const service = `t${crypto.randomUUID().slice(0, 8)}`
      const drivers: StreamDriver[] = []
      return {
        codeOf: (error) => of.module.codeOf(error),
        sessionMs: of.sessionMs,
        async open({ stream = 'log', partitions = 4 } = {}) {
          const engine = await of.module.open(contextOf(url, stream, { ...of.context, service }))
          const opened = await engine.open({ partitions })
          assert.equal(opened.capabilities.compaction, of.capabilities.compaction)
          drivers.push(opened)
          return opened
        },
        async [Symbol.asyncDispose]() {
          await of.clean?.(drivers)
          await Promise.all(drivers.map((each) => each.close()))
        },
      }
    },
  }
}
