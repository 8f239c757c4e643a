import assert from 'node:assert/strict'
import { silent, type OpenContext } from '../../../block.ts'
import { isAshlarError, type Code } from '../../../errors.ts'
import { OpenQueue } from '../open-queue.ts'
import type { QueueOptions } from '../queue.ts'
import type { QueueHarness } from './harness.ts'

const rooms = new WeakMap<QueueHarness, string>()

function roomOf(harness: QueueHarness): string {
  const room = rooms.get(harness) ?? crypto.randomUUID()
  rooms.set(harness, room)
  return room
}

/** The portable type over one more driver of the harness. */
export async function open<T = unknown>(harness: QueueHarness, options: QueueOptions<T> = {}): Promise<OpenQueue<T>> {
  const { databaseUrl } = harness
  const context: OpenContext = {
    name: 'jobs',
    service: 'tested',
    // Without a database schedules are kept in this process, by all that have this URL.
    url: databaseUrl === undefined ? `memory:${roomOf(harness)}` : 'tested:',
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    folder: '.ashlar',
    secret: 's'.repeat(32),
    relays: false,
    log: silent,
    block: () => assert.fail('a queue needs no other block'),
  }
  const driver = await harness.driver()
  const codeOf = (error: unknown) => harness.codeOf(error)
  return OpenQueue.open<T>({ context, driver, options, scheme: 'tested', codeOf })
}

export function refusedWith(code: Code): (error: unknown) => boolean {
  return (error) => isAshlarError(error, code)
}

/** A handler's gate: it stays in until let go. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}
