import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { Leased } from '../driver.ts'
import { bodies, longMs, message, never, one, shortMs, take, wait, type QueueHarness } from './harness.ts'

export const deliveryCases: Case<QueueHarness>[] = [
  {
    name: 'any JSON value and its headers come back as sent',
    async run(harness) {
      const driver = await harness.driver()
      const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      await driver.send(bodies.map((body) => ({ ...message(null), body, headers })))
      const lent: Leased[] = []
      await until('all have come', async () => lent.push(...(await take(driver))) >= bodies.length)
      assert.deepEqual(lent.map(({ body }) => body).toSorted(), bodies.toSorted())
      for (const each of lent) {
        assert.deepEqual(each.headers, headers)
        assert.equal(each.attempt, 1)
        assert.ok(Math.abs(each.sentAt.getTime() - Date.now()) < longMs)
      }
    },
  },
  {
    name: 'each message is lent to one of the competing consumers',
    async run(harness) {
      const drivers = await Promise.all([1, 2, 3, 4].map(() => harness.driver()))
      const ids = await drivers[0]!.send(Array.from({ length: 200 }, (_, n) => message(n)))
      assert.equal(new Set(ids).size, 200)
      const rounds = await Promise.all(
        drivers.map(async (driver) => {
          const mine: Leased[] = []
          for (let lent = await take(driver, 7); lent.length > 0; lent = await take(driver, 7)) {
            assert.ok(lent.length <= 7)
            mine.push(...lent)
          }
          return mine
        }),
      )
      const got = rounds.flat().map(({ id }) => id)
      assert.deepEqual(got.toSorted(), ids.toSorted())
    },
  },
  {
    name: 'redelivers after the lease ends, as another attempt with a higher token',
    async run(harness) {
      const [dying, other] = [await harness.driver(), await harness.driver()]
      await dying.send([message('job')])
      const first = await one(dying, shortMs)
      assert.deepEqual(await take(other), [])
      const second = await one(other)
      assert.deepEqual([second.id, second.body, second.attempt], [first.id, first.body, 2])
      assert.ok(second.token > first.token)
    },
  },
  {
    name: 'what is done never comes again',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message(1), message(2)])
      const lent = await wait(driver, 2, shortMs)
      assert.deepEqual(await driver.settle(lent.map(({ token }) => ({ token, outcome: 'done' }))), [true, true])
      await driver.send([message('end', { delayMs: 0 })])
      const rest = await one(driver)
      assert.equal(rest.body, '"end"')
      assert.deepEqual(await driver.receive({ max: 10, leaseMs: longMs, waitMs: 2 * shortMs, signal: never }), [])
    },
  },
  {
    name: 'a stale token changes nothing',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('job')])
      const stale = (await one(driver, shortMs)).token
      const held = await one(driver)
      for (const outcome of ['done', 'release'] as const)
        assert.deepEqual(await driver.settle([{ token: stale, outcome }]), [false], outcome)
      assert.deepEqual(await driver.settle([{ token: stale, outcome: 'retry', delayMs: 0, error: 'late' }]), [false])
      assert.deepEqual(await driver.settle([{ token: stale, outcome: 'dead', error: 'late' }]), [false])
      assert.deepEqual(await driver.extend([stale], longMs), [false])
      assert.deepEqual(await take(driver), [])
      assert.deepEqual(
        await driver.settle([
          { token: stale, outcome: 'done' },
          { token: held.token, outcome: 'done' },
        ]),
        [false, true],
      )
      assert.deepEqual(await driver.settle([{ token: held.token, outcome: 'done' }]), [false])
    },
  },
  {
    name: 'a lease that is extended lasts longer',
    async run(harness) {
      const [holder, other] = [await harness.driver(), await harness.driver()]
      await holder.send([message('job')])
      const { token } = await one(holder, 2_000)
      assert.deepEqual(await holder.extend([token], longMs), [true])
      assert.deepEqual(await other.receive({ max: 1, leaseMs: longMs, waitMs: 2_500, signal: never }), [])
      assert.deepEqual(await holder.settle([{ token, outcome: 'done' }]), [true])
    },
  },
  {
    name: 'a retry comes after its delay, as another attempt',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('job')])
      const { token } = await one(driver)
      const settledMs = performance.now()
      assert.deepEqual(await driver.settle([{ token, outcome: 'retry', delayMs: 500, error: 'no' }]), [true])
      assert.deepEqual(await take(driver), [])
      const again = await one(driver)
      assert.ok(performance.now() - settledMs >= 490, 'it came too early')
      assert.equal(again.attempt, 2)
      assert.deepEqual(await driver.extend([token], longMs), [false])
    },
  },
  {
    name: 'what is released comes again at once',
    async run(harness) {
      const [leaving, other] = [await harness.driver(), await harness.driver()]
      await leaving.send([message('job')])
      const { token, id } = await one(leaving)
      assert.deepEqual(await leaving.settle([{ token, outcome: 'release' }]), [true])
      assert.equal((await one(other)).id, id)
    },
  },
  {
    name: 'what is released was no attempt',
    needs: 'uncounted',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('job')])
      const { token } = await one(driver)
      await driver.settle([{ token, outcome: 'release' }])
      assert.equal((await one(driver)).attempt, 1)
    },
  },
]

export const deadLetterCases: Case<QueueHarness>[] = [
  {
    name: 'a dead letter keeps its body, error and attempts, and is delivered no more',
    needs: 'deadLetters',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('a'), message('b')])
      const [a, b] = await wait(driver, 2)
      const error = 'bad \0 news 中'
      assert.deepEqual(await driver.settle([{ token: b!.token, outcome: 'dead', error }]), [true])
      assert.deepEqual(await driver.settle([{ token: a!.token, outcome: 'dead', error: 'later' }]), [true])
      const dead = await driver.dead({ limit: 10 })
      assert.deepEqual(
        dead.map(({ id, body, attempts }) => [id, body, attempts]),
        [
          [b!.id, b!.body, 1],
          [a!.id, a!.body, 1],
        ],
      )
      assert.match(dead[0]!.error, /^bad .*news 中$/)
      assert.equal((await driver.dead({ limit: 1 }))[0]!.id, b!.id)
      assert.deepEqual(await take(driver), [])
    },
  },
  {
    name: 'a dead letter tells its failed attempts: the newest 10, oldest first, leases that ended by themselves too',
    needs: 'history',
    async run(harness) {
      const driver = await harness.driver()
      await driver.send([message('job')])
      for (let n = 1; n <= 11; n++)
        await driver.settle([{ token: (await one(driver)).token, outcome: 'retry', delayMs: 0, error: `no ${n}` }])
      assert.equal((await one(driver, shortMs)).attempt, 12)
      const last = await one(driver)
      await driver.settle([{ token: last.token, outcome: 'dead', error: '中'.repeat(600) }])
      const [dead] = await driver.dead({ limit: 1 })
      const { history } = dead!
      assert.deepEqual(
        history.map(({ attempt }) => attempt),
        [4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
      )
      assert.equal(history[0]!.error, 'no 4')
      assert.match(history[8]!.error, /lease ended/)
      assert.equal(history[9]!.error, '中'.repeat(500))
      const times = history.map(({ at }) => at.getTime())
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
      assert.ok(times.every((ms) => Math.abs(ms - Date.now()) < longMs))
      await driver.redrive('all')
      await driver.settle([{ token: (await one(driver)).token, outcome: 'dead', error: 'again' }])
      const [again] = await driver.dead({ limit: 1 })
      assert.deepEqual(
        again!.history.map(({ attempt, error }) => [attempt, error]),
        [[1, 'again']],
      )
    },
  },
  {
    name: 'redriven dead letters come again with their id as attempt 1',
    needs: 'deadLetters',
    async run(harness) {
      const driver = await harness.driver()
      const ids = await driver.send([1, 2, 3].map((n) => message(n)))
      await driver.settle((await wait(driver)).map(({ token }) => ({ token, outcome: 'dead', error: 'x' })))
      assert.equal(await driver.redrive([ids[1]!, 'nobody', '999999999999']), 1)
      const [second] = await wait(driver)
      assert.deepEqual([second!.id, second!.attempt, second!.body], [ids[1], 1, '2'])
      assert.equal(await driver.redrive('all'), 2)
      assert.deepEqual((await wait(driver)).map(({ id }) => id).toSorted(), [ids[0]!, ids[2]!].toSorted())
      assert.deepEqual(await driver.dead({ limit: 10 }), [])
    },
  },
]
