import assert from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { settledWithin } from '../../../deadline.ts'
import { openSql } from '../../../postgres/open.ts'
import { longMs, message, never, one, take, values, wait, type QueueHarness } from './harness.ts'

export const engineCases: Case<QueueHarness>[] = [
  {
    name: 'a waiting receive gets what another process sends',
    async run(harness) {
      const [sender, waiting] = [await harness.driver(), await harness.driver()]
      for (let n = 0; n < 5; n++) {
        const received = one(waiting)
        await new Promise((resolve) => setTimeout(resolve, n * 20))
        await sender.send([message(n)])
        assert.equal((await received).body, String(n))
      }
    },
  },
  {
    name: 'a receive that is aborted returns none early, and loses none',
    async run(harness) {
      const [impatient, other] = [await harness.driver(), await harness.driver()]
      const early = AbortSignal.timeout(50)
      const nothing = impatient.receive({ max: 1, leaseMs: longMs, waitMs: 25_000, signal: early })
      assert.ok(await settledWithin(nothing, 5_000), 'it should have returned when its signal aborted')
      assert.deepEqual(await nothing, [])
      for (let n = 0; n < 10; n++) {
        const leaving = new AbortController()
        const received = impatient.receive({ max: 1, leaseMs: longMs, waitMs: 25_000, signal: leaving.signal })
        const sent = other.send([message(n)])
        setTimeout(() => leaving.abort(), n)
        const lent = await received
        await sent
        assert.equal((lent[0] ?? (await one(other))).body, String(n))
      }
    },
  },
  {
    name: 'counts what is ready, delayed, leased and dead',
    needs: 'exactStats',
    async run(harness) {
      const driver = await harness.driver()
      assert.deepEqual(await driver.stats(), { ready: 0, delayed: 0, leased: 0, dead: 0, oldestAgeMs: 0 })
      await driver.send([1, 2, 3, 4].map((n) => message(n)))
      const lent = await wait(driver, 3)
      await driver.settle([{ token: lent[0]!.token, outcome: 'retry', delayMs: longMs, error: 'x' }])
      await driver.settle([{ token: lent[1]!.token, outcome: 'dead', error: 'x' }])
      const { oldestAgeMs, ...counts } = await driver.stats()
      assert.deepEqual(counts, { ready: 1, delayed: 1, leased: 1, dead: 1 })
      assert.ok(oldestAgeMs > 0 && oldestAgeMs < longMs)
    },
  },
  {
    name: 'queues whose names differ only a little do not mix',
    async run(harness) {
      const long = 'n'.repeat(47)
      const names = ['OrderPaid', 'orderpaid', `${long}a`, `${long}b`]
      const drivers = await Promise.all(names.map((name) => harness.driver(name)))
      await Promise.all(drivers.map((driver, n) => driver.send([message(names[n])])))
      for (const [n, driver] of drivers.entries()) assert.deepEqual(values(await wait(driver)), [names[n]])
    },
  },
  {
    name: 'many may open it at the same time on an empty engine',
    async run(harness) {
      const drivers = await Promise.all(Array.from({ length: 8 }, () => harness.driver()))
      await Promise.all(drivers.map((driver, n) => driver.send([message(n)])))
      assert.equal((await take(drivers[0]!)).length, 8)
    },
  },
  {
    name: 'closing ends a waiting receive, and is harmless twice',
    async run(harness) {
      const driver = await harness.driver()
      const received = driver.receive({ max: 1, leaseMs: longMs, waitMs: 25_000, signal: never })
      await driver.close()
      await received.catch(() => undefined)
      await driver.close()
    },
  },
  {
    name: 'what is sent and settled in a transaction counts from its commit, or never',
    needs: 'transactions',
    async run(harness) {
      await using sql = openSql(harness.databaseUrl!)
      const driver = await harness.driver()
      await driver.send([message('first')])
      const { token } = await one(driver)
      const undone = sql.transaction(async (tx) => {
        assert.equal(tx.origin, driver.origin)
        await driver.send(
          [message('never'), message('never', { key: 'k', dedupe: { key: 'd', windowMs: longMs } })],
          tx,
        )
        await driver.settle([{ token, outcome: 'done' }], tx)
        throw new Error('undone')
      })
      await assert.rejects(undone, /undone/)
      assert.deepEqual(await driver.extend([token], longMs), [true])
      const waiting = one(driver)
      await sql.transaction(async (tx) => {
        await driver.send([message('then')], tx)
        assert.deepEqual(await take(driver), [])
        await driver.settle([{ token, outcome: 'done' }], tx)
      })
      assert.equal((await waiting).body, '"then"')
      assert.equal((await driver.stats()).leased, 1)
    },
  },
]
