import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenContext } from '../../block.ts'
import { altered, everyCapability, verify, type Subject } from '../../conformance.ts'
import { onMemory } from '../../../test/servers/leased.ts'
import { queueSuite, type QueueHarness } from './conformance.ts'
import { lastFailure } from '../../lease/lease.ts'
import type { Found, QueueDriver } from './driver.ts'
import * as memory from './memory.ts'

const capabilities = { ...everyCapability(queueSuite), transactions: false }

/** The memory driver with one promise broken. */
function broken(flaw: (sound: QueueDriver) => Partial<QueueDriver>): Subject<QueueHarness> {
  const open = async (context: OpenContext) => {
    const sound = await memory.open(context)
    return altered(sound, flaw(sound))
  }
  return onMemory({ open, codeOf: memory.codeOf }, capabilities)
}

const hourMs = 3_600_000

const flaws: { flaw: string; caughtBy: string; driver: Subject<QueueHarness> }[] = [
  {
    flaw: 'never takes a lease back',
    caughtBy: 'redelivers after the lease ends, as another attempt with a higher token',
    driver: broken((sound) => ({ receive: (options) => sound.receive({ ...options, leaseMs: hourMs }) })),
  },
  {
    flaw: 'lends a message to two workers',
    caughtBy: 'each message is lent to one of the competing consumers',
    driver: broken((sound) => ({
      async receive(options) {
        const lent = await sound.receive(options)
        return lent.length > 1 ? [...lent, lent[0]!] : lent
      },
    })),
  },
  {
    flaw: 'loses the delay',
    caughtBy: 'a delayed message is not lent before its time',
    driver: broken((sound) => ({ send: (messages) => sound.send(messages.map((each) => ({ ...each, delayMs: 0 }))) })),
  },
  {
    flaw: 'reorders the messages of a key',
    caughtBy: 'messages of one key come in sending order through competing consumers',
    driver: broken((sound) => ({
      send: (messages) =>
        sound.send(messages.map(({ key: _, ...each }) => ({ ...each, priority: (each.body.length * 7) % 10 }))),
    })),
  },
  {
    flaw: 'forgets dedupe keys',
    caughtBy: 'a second message with a dedupe key is dropped within the window, also when the first is done',
    driver: broken((sound) => ({ send: (messages) => sound.send(messages.map(({ dedupe: _, ...each }) => each)) })),
  },
  {
    flaw: 'takes a stale token for a good one',
    caughtBy: 'a stale token changes nothing',
    driver: broken((sound) => ({
      async settle(settlements) {
        await sound.settle(settlements)
        return settlements.map(() => true)
      },
    })),
  },
  {
    flaw: 'counts what was given back as an attempt',
    caughtBy: 'what is released was no attempt',
    driver: broken((sound) => ({
      settle: (settlements) =>
        sound.settle(
          settlements.map((each) =>
            each.outcome === 'release' ? { ...each, outcome: 'retry', delayMs: 0, error: '' } : each,
          ),
        ),
    })),
  },
  {
    flaw: 'ignores that a receive was aborted',
    caughtBy: 'a receive that is aborted returns none early, and loses none',
    driver: broken((sound) => ({
      receive: (options) => sound.receive({ ...options, signal: new AbortController().signal }),
    })),
  },
  {
    flaw: 'drops dead letters',
    caughtBy: 'a dead letter keeps its body, error and attempts, and is delivered no more',
    driver: broken((sound) => ({
      settle: (settlements) =>
        sound.settle(
          settlements.map(({ token, ...each }) =>
            each.outcome === 'dead' ? { token, outcome: 'done' } : { token, ...each },
          ),
        ),
    })),
  },
  {
    flaw: 'forgets all failed attempts but the last',
    caughtBy:
      'a dead letter tells its failed attempts: the newest 10, oldest first, leases that ended by themselves too',
    driver: broken((sound) => ({
      dead: async (options) => (await sound.dead(options)).map((each) => ({ ...each, history: lastFailure(each) })),
    })),
  },
  {
    flaw: 'lends canceled messages',
    caughtBy:
      'canceled messages are lent no more, whether they waited, were delayed, or were redriven; dead letters stay',
    driver: broken((sound) => ({ jobs: { ...sound.jobs!, cancel: async (ids) => new Set(ids).size - 3 } })),
  },
  {
    flaw: 'finds what is done',
    caughtBy: 'a dead letter is found by its id, and again when it was redriven; what is done is not',
    driver: broken((sound) => {
      const found = new Map<string, Found>()
      const find = async (id: string) => {
        const now = (await sound.jobs!.find(id)) ?? found.get(id)
        if (now) found.set(id, now)
        return now
      }
      return { jobs: { ...sound.jobs!, find } }
    }),
  },
  {
    flaw: 'loses the headers',
    caughtBy: 'each tick of a schedule is sent once by all processes together, and told to the handler',
    driver: broken((sound) => ({ send: (messages) => sound.send(messages.map((each) => ({ ...each, headers: {} }))) })),
  },
  {
    flaw: 'goes on lending while paused',
    caughtBy: 'a paused queue lends nothing to anybody, also to those who open it later, until it is resumed',
    driver: broken(() => {
      let paused = false
      return { pausing: { set: async (now) => void (paused = now), isPaused: async () => paused } }
    }),
  },
]

for (const { flaw, caughtBy, driver } of flaws) {
  test(`the queue suite catches a driver that ${flaw}`, async () => {
    const cases = queueSuite.cases.filter(({ name }) => name === caughtBy)
    assert.equal(cases.length, 1, `no case is named '${caughtBy}'`)
    const [outcome] = await verify({ ...queueSuite, cases }, driver)
    assert.equal(outcome!.outcome, 'failed')
  })
}
