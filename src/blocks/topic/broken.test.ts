import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenContext } from '../../block.ts'
import { altered, verify, type Subject } from '../../conformance.ts'
import { onMemory } from '../../../test/servers/leased.ts'
import { topicSuite, type TopicHarness } from './conformance.ts'
import type { TopicDriver } from './driver.ts'
import * as memory from './memory.ts'

const capabilities = { filters: true, ordered: true, deadLetters: true }

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
    driver: broken((sound) => ({ subscribe: ({ name }) => sound.subscribe({ name, filter: {} }) })),
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
]

for (const { flaw, caughtBy, driver } of flaws) {
  test(`the topic suite catches a driver that ${flaw}`, async () => {
    const cases = topicSuite.cases.filter(({ name }) => name === caughtBy)
    assert.equal(cases.length, 1, `no case is named '${caughtBy}'`)
    const [outcome] = await verify({ ...topicSuite, cases }, driver)
    assert.equal(outcome!.outcome, 'failed')
  })
}
