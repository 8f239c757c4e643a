import { settledWithin } from '../../deadline.ts'
import assert from 'node:assert/strict'
import { until, type Case } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import type { QueueHarness } from './conformance-harness.ts'
import type { Leased, Outgoing, QueueDriver } from './driver.ts'

const bodies = [[1, 2, 3], [], 'a', 0, false, null, {}, { a: { b: [null] } }, 'nul \0 end', '中 😀 \ud800', 1e21].map(
  (each) => JSON.stringify(each),
)
const longMs = 60_000
const shortMs = 300
const never = new AbortController().signal

function message(body: unknown, more: Partial<Outgoing> = {}): Outgoing {
  return { body: JSON.stringify(body), headers: {}, delayMs: 0, priority: 0, ...more }
}

/** What is ready now. */
function take(driver: QueueDriver, max = 100, leaseMs = longMs): Promise<Leased[]> {
  return driver.receive({ max, leaseMs, waitMs: 0, signal: never })
}

/** Waits for the first message. */
function wait(driver: QueueDriver, max = 100, leaseMs = longMs): Promise<Leased[]> {
  return driver.receive({ max, leaseMs, waitMs: 10_000, signal: never })
}

async function one(driver: QueueDriver, leaseMs = longMs): Promise<Leased> {
  const [lent] = await wait(driver, 1, leaseMs)
  assert.ok(lent, 'a message should have come')
  return lent
}

function values(lent: readonly Leased[]): unknown[] {
  return lent.map(({ body }) => JSON.parse(body))
}

const delivery: Case<QueueHarness>[] = [
  {
    name: 'any JSON value and its headers come back as sent',
    async run(harness) {
      const driver = await harness.driver()
      const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      await driver.send(bodies.map((body) => ({ ...message(null), body, headers })))
      const lent = await take(driver)
      assert.deepEqual(
        lent.map(({ body }) => body),
        bodies,
      )
      assert.deepEqual(lent[0]!.headers, headers)
      assert.equal(lent[0]!.attempt, 1)
      assert.ok(Math.abs(lent[0]!.sentAt.getTime() - Date.now()) < longMs)
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
    name: 'what is released comes again at once and was no attempt',
    async run(harness) {
      const [leaving, other] = [await harness.driver(), await harness.driver()]
      await leaving.send([message('job')])
      const { token } = await one(leaving)
      assert.deepEqual(await leaving.settle([{ token, outcome: 'release' }]), [true])
      assert.equal((await one(other)).attempt, 1)
    },
  },
]

const deadLetters: Case<QueueHarness>[] = [
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
          [b!.id, '"b"', 1],
          [a!.id, '"a"', 1],
        ],
      )
      assert.match(dead[0]!.error, /^bad .*news 中$/)
      assert.equal((await driver.dead({ limit: 1 }))[0]!.id, b!.id)
      assert.deepEqual(await take(driver), [])
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

const options: Case<QueueHarness>[] = [
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
    name: 'a second message with a dedupe key is dropped within the window, and sent again after it',
    needs: 'dedupe',
    async run(harness) {
      const driver = await harness.driver()
      const dedupe = { key: 'k', windowMs: 1_000 }
      const [first, same, other] = await driver.send([
        message(1, { dedupe }),
        message(2, { dedupe }),
        message(3, { dedupe: { ...dedupe, key: 'K' } }),
      ])
      assert.equal(same, first)
      assert.notEqual(other, first)
      const lent = await wait(driver)
      assert.deepEqual(values(lent), [1, 3])
      await driver.settle(lent.map(({ token }) => ({ token, outcome: 'done' })))
      assert.deepEqual(await driver.send([message(4, { dedupe })]), [first])
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
        const dedupe = { key: `k${n}`, windowMs: longMs }
        const [a, b] = await Promise.all(pair.map((driver) => driver.send([message(n, { dedupe })])))
        assert.deepEqual(a, b)
      }
      assert.equal((await take(pair[0]!)).length, 50)
    },
  },
]

const engine: Case<QueueHarness>[] = [
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

export const driverCases: readonly Case<QueueHarness>[] = [...delivery, ...deadLetters, ...options, ...engine]
