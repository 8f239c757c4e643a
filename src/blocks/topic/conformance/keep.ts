import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { Keep, Outgoing, TopicDriver } from '../driver.ts'
import type { TopicHarness } from './harness.ts'

const dayMs = 86_400_000
const options = { max: 100, leaseMs: 60_000, waitMs: 0, signal: new AbortController().signal }

function message(body: unknown, key?: string): Outgoing {
  return { body: JSON.stringify(body), headers: {}, attributes: {}, ...(key === undefined ? {} : { key }) }
}

function keeping(driver: TopicDriver, name: string, keep: Partial<Keep>): Promise<void> {
  return driver.subscribe({ name, filter: {}, keep: { ms: 7 * dayMs, messages: Infinity, ...keep } })
}

async function dropped(driver: TopicDriver, name: string): Promise<number> {
  return (await driver.trim()).find(({ subscription }) => subscription === name)?.dropped ?? 0
}

async function figures(driver: TopicDriver): Promise<unknown[]> {
  const stats = (await driver.stats()).toSorted((a, b) => (a.subscription < b.subscription ? -1 : 1))
  return stats.map((each) => [each.subscription, each.pending, each.dropped])
}

async function take(driver: TopicDriver, name: string, max = 100): Promise<{ token: string; value: unknown }[]> {
  const lent = await driver.receive(name, { ...options, max })
  return lent.map(({ token, body }) => ({ token, value: JSON.parse(body) }))
}

export const keepCases: readonly Case<TopicHarness>[] = [
  {
    name: 'what is older than its subscription keeps is dropped and counted, unless it is leased',
    needs: 'trims',
    async run(harness) {
      const driver = await harness.driver()
      await keeping(driver, 'brief', { ms: 50 })
      await keeping(driver, 'long', {})
      await driver.publish([1, 2, 3].map((n) => message(n)))
      const [leased] = await take(driver, 'brief', 1)
      let gone = 0
      await until('two are dropped', async () => (gone += await dropped(driver, 'brief')) >= 2)
      assert.equal(await dropped(driver, 'long'), 0)
      assert.deepEqual(await figures(driver), [
        ['brief', 1, 2],
        ['long', 3, 0],
      ])
      assert.deepEqual(await driver.settle('brief', [{ token: leased!.token, outcome: 'done' }]), [true])
      assert.deepEqual(await take(driver, 'brief'), [])
      await keeping(driver, 'brief', {})
      await driver.publish([message('new')])
      assert.equal(await dropped(driver, 'brief'), 0)
      assert.deepEqual(
        (await take(driver, 'brief')).map(({ value }) => value),
        ['new'],
      )
    },
  },
  {
    name: 'of more messages than its subscription keeps the oldest are dropped and counted',
    needs: 'keepsMessages',
    async run(harness) {
      const driver = await harness.driver()
      await keeping(driver, 'few', { messages: 3 })
      await keeping(driver, 'all', {})
      await driver.publish([1, 2, 3, 4, 5].map((n) => message(n)))
      assert.equal(await dropped(driver, 'few'), 2)
      assert.equal(await dropped(driver, 'few'), 0)
      assert.deepEqual(await figures(driver), [
        ['all', 5, 0],
        ['few', 3, 2],
      ])
      assert.deepEqual(
        (await take(driver, 'few')).map(({ value }) => value),
        [3, 4, 5],
      )
      assert.equal((await take(driver, 'all')).length, 5)
    },
  },
  {
    name: 'what a subscription keeps can be changed, and outlives whoever said so',
    needs: 'keepsMessages',
    async run(harness) {
      const driver = await harness.driver()
      await keeping(driver, 'a', { messages: 2 })
      await driver.publish([1, 2, 3].map((n) => message(n)))
      await keeping(driver, 'a', { messages: 1 })
      await driver.close()
      assert.equal(await dropped(await harness.driver(), 'a'), 2)
    },
  },
  {
    name: 'a message that was dropped holds nobody up, of its key neither where keys are kept in order',
    needs: 'keepsMessages',
    async run(harness) {
      const driver = await harness.driver()
      const key = driver.capabilities.ordered ? 'k' : undefined
      await keeping(driver, 'a', { messages: 2 })
      await driver.publish([1, 2, 3, 4].map((n) => message(n, key)))
      const [first] = await take(driver, 'a', 1)
      await driver.settle('a', [{ token: first!.token, outcome: 'retry', delayMs: dayMs, error: 'x' }])
      assert.equal(await dropped(driver, 'a'), 2)
      const [next] = await take(driver, 'a', 1)
      assert.equal(next!.value, 3)
      await driver.publish([message(5, key), message(6, key)])
      assert.equal(await dropped(driver, 'a'), 1)
      if (key) assert.deepEqual(await take(driver, 'a'), [])
      await driver.settle('a', [{ token: next!.token, outcome: 'done' }])
      const [last] = await driver.receive('a', { ...options, waitMs: 10_000 })
      assert.equal(last!.body, '5')
    },
  },
]
