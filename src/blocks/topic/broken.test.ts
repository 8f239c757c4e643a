import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenContext } from '../../block.ts'
import { altered, everyCapability, verify, type Subject } from '../../conformance.ts'
import { lastFailure } from '../../lease/lease.ts'
import { onMemory } from '../../../test/servers/leased.ts'
import { topicSuite, type TopicHarness } from './conformance.ts'
import type { Keep, TopicDriver } from './driver.ts'
import * as memory from './memory.ts'

const capabilities = { ...everyCapability(topicSuite), transactions: false }

/** The memory driver with one promise broken. */
function broken(flaw: (sound: TopicDriver) => Partial<TopicDriver>): Subject<TopicHarness> {
  const open = async (context: OpenContext) => {
    const sound = await memory.open(context)
    return altered(sound, flaw(sound))
  }
  return onMemory({ open, codeOf: memory.codeOf }, capabilities)
}

const flaws: { flaw: string; caughtBy: string; driver: Subject<TopicHarness> }[] = [
  {
    flaw: 'ignores filters',
    caughtBy: 'every named attribute must have one of its values',
    driver: broken((sound) => ({ subscribe: (subscription) => sound.subscribe({ ...subscription, filter: {} }) })),
  },
  {
    flaw: 'forgets a subscription that is made again',
    caughtBy: 'a subscription gets what is published after it was made, also when it is made again',
    driver: broken((sound) => ({
      async subscribe(subscription) {
        await sound.unsubscribe(subscription.name)
        await sound.subscribe(subscription)
      },
    })),
  },
  {
    flaw: 'delivers twice',
    caughtBy: 'consumers of one subscription compete',
    driver: broken((sound) => ({
      async receive(...args) {
        const lent = await sound.receive(...args)
        return lent.length > 1 ? [...lent, lent[0]!] : lent
      },
    })),
  },
  {
    flaw: 'gives each subscription ids of its own',
    caughtBy: 'every subscription gets each message as published, under one id, though nobody consumed',
    driver: broken((sound) => ({
      async receive(name, options) {
        return (await sound.receive(name, options)).map((each) => ({ ...each, id: `${name}/${each.id}` }))
      },
    })),
  },
  {
    flaw: 'reorders the messages of a key',
    caughtBy: 'within a subscription the next message of a key waits until the earlier one is settled',
    driver: broken((sound) => ({ publish: (messages) => sound.publish(messages.map(({ key: _, ...each }) => each)) })),
  },
  {
    flaw: 'settles by message and not by delivery',
    caughtBy: 'a stale token, or one of another subscription, changes nothing',
    driver: broken((sound) => ({
      async settle(name, settlements) {
        await sound.settle(name, settlements)
        return settlements.map(() => true)
      },
    })),
  },
  {
    flaw: 'forgets all failed attempts but the last',
    caughtBy:
      "a dead letter tells its subscription's failed attempts, oldest first, leases that ended by themselves too",
    driver: broken((sound) => ({
      dead: async (...args) => (await sound.dead(...args)).map((each) => ({ ...each, history: lastFailure(each) })),
    })),
  },
  {
    flaw: 'drops old messages though they are leased',
    caughtBy: 'what is older than its subscription keeps is dropped and counted, unless it is leased',
    driver: broken((sound) => {
      const tokens: string[] = []
      return {
        async receive(...args) {
          const lent = await sound.receive(...args)
          tokens.push(...lent.map(({ token }) => token))
          return lent
        },
        async trim() {
          await sound.settle(
            'brief',
            tokens.map((token) => ({ token, outcome: 'release' })),
          )
          return sound.trim()
        },
      }
    }),
  },
  {
    flaw: 'drops the newest instead of the oldest',
    caughtBy: 'of more messages than its subscription keeps the oldest are dropped and counted',
    driver: broken((sound) => ({ publish: (messages) => sound.publish(messages.toReversed()) })),
  },
  {
    flaw: 'never drops',
    caughtBy: 'of more messages than its subscription keeps the oldest are dropped and counted',
    driver: broken(() => ({ trim: async () => [] })),
  },
  {
    flaw: 'does not count what it drops',
    caughtBy: 'of more messages than its subscription keeps the oldest are dropped and counted',
    driver: broken((sound) => ({
      stats: async () => (await sound.stats()).map((each) => ({ ...each, dropped: 0 })),
    })),
  },
  {
    flaw: 'keeps what it was told first',
    caughtBy: 'what a subscription keeps can be changed, and outlives whoever said so',
    driver: broken((sound) => {
      const first = new Map<string, Keep>()
      return {
        subscribe(subscription) {
          if (!first.has(subscription.name)) first.set(subscription.name, subscription.keep)
          return sound.subscribe({ ...subscription, keep: first.get(subscription.name)! })
        },
      }
    }),
  },
  {
    flaw: 'gets stuck behind a message that it dropped',
    caughtBy: 'a message that was dropped holds nobody up, of its key neither where keys are kept in order',
    driver: broken((sound) => {
      let trimmed = 0
      return {
        trim() {
          trimmed++
          return sound.trim()
        },
        receive: async (...args) => (trimmed > 0 ? [] : sound.receive(...args)),
      }
    }),
  },
]

for (const { flaw, caughtBy, driver } of flaws) {
  test(`the topic suite catches a driver that ${flaw}`, async () => {
    const cases = topicSuite.cases.filter(({ name }) => name === caughtBy)
    assert.equal(cases.length, 1, `no case is named '${caughtBy}'`)
    const [outcome] = await verify({ ...topicSuite, cases }, driver)
    assert.equal(outcome!.outcome, 'failed')
  })
}
