import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verify, type Subject } from '../../conformance.ts'
import { streamSuite, type StreamHarness } from './conformance.ts'
import type { Membership, StreamDriver } from './driver.ts'
import { codeOf, open } from './memory.ts'

let cases = 0

/** A view of a driver in which some methods are others. */
function viewOf<Of extends object>(sound: Of, broken: Partial<Of>): Of {
  return new Proxy(sound, {
    get(target, name) {
      const found: unknown = Reflect.get(name in broken ? broken : target, name)
      return typeof found === 'function' ? found.bind(name in broken ? broken : target) : found
    },
  })
}

/** The memory driver with one promise broken. */
function subject(flaw: (sound: StreamDriver) => Partial<StreamDriver>): Subject<StreamHarness> {
  return {
    driver: 'broken',
    capabilities: { compaction: true, compactsOnTrim: true, contiguous: true, trims: true },
    async open() {
      const prefix = `case${cases++}`
      return {
        codeOf,
        sessionMs: 200,
        async open({ stream = 'log', partitions = 4 } = {}) {
          const context = { name: `${prefix}-${stream}`, service: '', url: 'memory:broken' } as never
          const sound = await (await open(context)).open({ partitions })
          return viewOf(sound, flaw(sound))
        },
        async [Symbol.asyncDispose]() {},
      }
    },
  }
}

const joining = (flaw: (sound: Membership) => Partial<Membership>) =>
  subject((sound) => ({
    async join(group, options) {
      const membership = await sound.join(group, options)
      return viewOf(membership, flaw(membership))
    },
  }))

const flaws: { flaw: string; caughtBy: string; driver: Subject<StreamHarness> }[] = [
  {
    flaw: 'takes an empty value for a tombstone',
    caughtBy: 'gives back keys, values and headers as they were: null is not empty',
    driver: subject((sound) => ({
      append: (records) =>
        sound.append(records.map((each) => ({ ...each, value: each.value?.length ? each.value : null }))),
    })),
  },
  {
    flaw: 'reorders what is appended together',
    caughtBy: 'keeps the order of each partition, and answers the offsets under which records are found',
    driver: subject((sound) => ({
      append: async (records) => (await sound.append(records.toReversed())).toReversed(),
    })),
  },
  {
    flaw: 'loses what commits late',
    caughtBy:
      'no reader skips a record that commits late: eight writers in any order of partitions, one tailing reader',
    driver: subject((sound) => ({
      read: async (partition, offset, options) =>
        (await sound.read(partition, offset, options)).filter((record) => Number(record.offset) % 5 !== 3),
    })),
  },
  {
    flaw: 'never wakes a waiting reader',
    caughtBy: 'a reader at the end waits for the first record, its time, or its signal',
    driver: subject((sound) => ({
      read: async (partition, offset, options) => {
        const found = await sound.read(partition, offset, { ...options, waitMs: 0 })
        if (found.length > 0 || options.waitMs === 0) return found
        return sound.read(3, offset, options)
      },
    })),
  },
  {
    flaw: 'begins at offset 0 again once all is dropped',
    caughtBy: 'drops what is too old, keeps the end offset, and reads on at the start',
    driver: subject((sound) => ({
      bounds: async () =>
        (await sound.bounds()).map(({ start, end }) => (start === end ? { start: 0, end: 0 } : { start, end })),
    })),
  },
  {
    flaw: 'gives each member all partitions',
    caughtBy: 'one member owns all partitions; two share them, none twice, in a later generation',
    driver: joining((sound) => ({
      heartbeat: async (holding) => {
        const assignment = await sound.heartbeat(holding)
        return { ...assignment, partitions: assignment.settling ? [] : [0, 1, 2, 3] }
      },
    })),
  },
  {
    flaw: 'takes commits of members that were replaced',
    caughtBy: 'the partitions of a member that falls silent pass on, and what it commits then is refused',
    driver: joining((sound) => ({
      commit: (generation, offsets) => sound.commit(generation, offsets).catch(() => undefined),
    })),
  },
  {
    flaw: 'does not wait for members at work',
    caughtBy: 'a rebalance waits for a member that still holds its partitions, and takes its last commits',
    driver: joining((sound) => ({ heartbeat: () => sound.heartbeat(false) })),
  },
  {
    flaw: 'forgets its members at each heartbeat',
    caughtBy: 'a member that beats is not taken out, however short its session',
    driver: joining((sound) => ({
      heartbeat: async (holding) => {
        await sound.leave()
        return sound.heartbeat(holding)
      },
    })),
  },
  {
    flaw: 'acknowledges commits that it does not store',
    caughtBy: 'each group handles every record, in order by key, and goes on where it was',
    driver: joining(() => ({ commit: async () => undefined })),
  },
]

for (const { flaw, caughtBy, driver } of flaws) {
  test(`the suite catches a driver that ${flaw}`, async () => {
    const one = { ...streamSuite, cases: streamSuite.cases.filter(({ name }) => name === caughtBy) }
    assert.deepEqual(
      (await verify(one, driver)).map(({ outcome }) => outcome),
      ['failed'],
    )
  })
}
