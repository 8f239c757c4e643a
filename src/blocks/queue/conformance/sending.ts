import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { longMs, message, never, shortMs, take, values, wait, type QueueHarness } from './harness.ts'

export const sendingCases: Case<QueueHarness>[] = [
  {
    name: 'a delayed message is not lent before its time',
    needs: 'delay',
    async run(harness) {
      const driver = await harness.driver()
      const sentMs = performance.now()
      await driver.send([message('later', { delayMs: 700 }), message('now')])
      assert.deepEqual(values(await take(driver)), ['now'])
      assert.deepEqual(values(await wait(driver)), ['later'])
      assert.ok(performance.now() - sentMs >= 690, 'it came too early')
    },
  },
  {
    name: 'the longest delay is kept, not run through',
    needs: 'delay',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('far', { delayMs: driver.capabilities.maxDelayMs })])
      assert.deepEqual(await driver.receive({ max: 1, leaseMs: longMs, waitMs: 300, signal: never }), [])
      assert.equal((await driver.stats()).delayed, 1)
    },
  },
  {
    name: 'of those that are ready, higher priorities come first, and equal ones in sending order',
    needs: 'priority',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([0, 9, 5, 9].map((priority, n) => message(n, { priority })))
      assert.deepEqual(values([...(await take(driver, 1)), ...(await take(driver))]), [1, 3, 2, 0])
    },
  },
  {
    name: 'the next message of a key waits until the earlier one is settled, other keys run on',
    needs: 'ordered',
    async run(harness) {
      const [driver, other] = [await harness.driver(), await harness.driver()]
      await driver.send([message('a1', { key: 'a' }), message('a2', { key: 'a' }), message('b1', { key: 'b' })])
      const lent = await take(driver)
      assert.deepEqual(values(lent), ['a1', 'b1'])
      assert.equal(lent[0]!.key, 'a')
      assert.deepEqual(await take(other), [])
      await driver.settle([{ token: lent[0]!.token, outcome: 'done' }])
      assert.deepEqual(values(await wait(other)), ['a2'])
    },
  },
  {
    name: 'the next message of a key waits also while the earlier one waits for its retry or for its lease to end',
    needs: 'ordered',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('a1', { key: 'a' }), message('a2', { key: 'a' })])
      const [first] = await wait(driver, 10, shortMs)
      const again = await wait(driver, 10)
      assert.deepEqual([values(again), again[0]!.id], [['a1'], first!.id])
      await driver.settle([{ token: again[0]!.token, outcome: 'retry', delayMs: 600, error: 'x' }])
      assert.deepEqual(await take(driver), [])
      const last = await wait(driver)
      assert.deepEqual(values(last), ['a1'])
      await driver.settle([{ token: last[0]!.token, outcome: 'dead', error: 'x' }])
      assert.deepEqual(values(await wait(driver)), ['a2'])
    },
  },
  {
    name: 'messages of one key come in sending order through competing consumers',
    needs: 'ordered',
    async run(harness) {
      const drivers = await Promise.all([1, 2, 3].map(() => harness.driver()))
      for (let n = 0; n < 30; n += 3)
        await drivers[0]!.send([0, 1, 2].map((i) => message([n + i], { key: `k${i}`, headers: { n: String(n) } })))
      const seen: unknown[][] = [[], [], []]
      let left = 30
      await Promise.all(
        drivers.map(async (driver) => {
          while (left > 0) {
            const lent = await driver.receive({ max: 2, leaseMs: longMs, waitMs: 50, signal: never })
            for (const { key, body } of lent) seen[Number(key![1])]!.push(JSON.parse(body)[0])
            left -= lent.length
            await driver.settle(lent.map(({ token }) => ({ token, outcome: 'done' })))
          }
        }),
      )
      for (const each of seen)
        assert.deepEqual(
          each,
          each.toSorted((a, b) => Number(a) - Number(b)),
        )
    },
  },
  {
    name: 'a second message with a dedupe key is dropped within the window, also when the first is done',
    needs: 'dedupe',
    async run(harness) {
      const driver = await harness.driver()
      const dedupe = { key: 'k', windowMs: driver.capabilities.dedupeWindowMs ?? longMs }
      const [first, same, other] = await driver.send([
        message(1, { dedupe }),
        message(2, { dedupe }),
        message(3, { dedupe: { ...dedupe, key: 'K' } }),
      ])
      assert.equal(same, first)
      assert.notEqual(other, first)
      const lent = await wait(driver)
      await until('both have come', async () => lent.push(...(await take(driver))) >= 2)
      assert.deepEqual(new Set(values(lent)), new Set([1, 3]))
      await driver.settle(lent.map(({ token }) => ({ token, outcome: 'done' })))
      assert.deepEqual(await driver.send([message(4, { dedupe })]), [first])
      assert.deepEqual(await take(driver), [])
    },
  },
  {
    name: 'a dedupe key is free again after its window',
    needs: 'dedupeWindows',
    async run(harness) {
      const driver = await harness.driver()
      const dedupe = { key: 'k', windowMs: 1_000 }
      const [first] = await driver.send([message(4, { dedupe })])
      const [lent] = await wait(driver)
      await driver.settle([{ token: lent!.token, outcome: 'done' }])
      await until('the window has ended', async () => (await driver.send([message(5, { dedupe })]))[0] !== first)
      assert.deepEqual(values(await wait(driver)), [5])
    },
  },
  {
    name: 'of two that send with one dedupe key at the same time one wins, and both get its id',
    needs: 'dedupe',
    async run(harness) {
      const pair = [await harness.driver(), await harness.driver()]
      for (let n = 0; n < 50; n++) {
        const dedupe = { key: `k${n}`, windowMs: pair[0]!.capabilities.dedupeWindowMs ?? longMs }
        const [a, b] = await Promise.all(pair.map((driver) => driver.send([message(n, { dedupe })])))
        assert.deepEqual(a, b)
      }
      assert.equal((await take(pair[0]!)).length, 50)
    },
  },
]
