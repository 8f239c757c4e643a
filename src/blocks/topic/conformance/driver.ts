import assert from 'node:assert/strict'
import { type Case } from '../../../conformance.ts'
import { settledWithin } from '../../../deadline.ts'
import { isAshlarError } from '../../../errors.ts'
import { openSql } from '../../../postgres/open.ts'
import type { TopicHarness } from './harness.ts'
import type { DeadLetter, Delivered, Outgoing, Settlement, TopicDriver } from '../driver.ts'

const bodies = [[1, 2, 3], [], 'a', 0, false, null, { a: { b: [null] } }, 'nul \0 end', '中 😀 \ud800'].map((each) =>
  JSON.stringify(each),
)
const keep = { ms: 7 * 86_400_000, messages: Infinity }
const longMs = 60_000
const shortMs = 300
const never = new AbortController().signal

function message(body: unknown, more: Partial<Outgoing> = {}): Outgoing {
  return { body: JSON.stringify(body), headers: {}, attributes: {}, ...more }
}

/** What is ready now. */
function take(driver: TopicDriver, name: string, max = 100, leaseMs = longMs): Promise<Delivered[]> {
  return driver.receive(name, { max, leaseMs, waitMs: 0, signal: never })
}

/** Waits for the first message. */
function wait(driver: TopicDriver, name: string, max = 100, leaseMs = longMs): Promise<Delivered[]> {
  return driver.receive(name, { max, leaseMs, waitMs: 10_000, signal: never })
}

function values(lent: readonly Delivered[]): unknown[] {
  return lent.map(({ body }) => JSON.parse(body))
}

function end(driver: TopicDriver, name: string, lent: readonly Delivered[], outcome: 'done' | 'release' = 'done') {
  return driver.settle(
    name,
    lent.map(({ token }): Settlement => ({ token, outcome })),
  )
}

async function subscribed(harness: TopicHarness, ...names: string[]): Promise<TopicDriver> {
  const driver = await harness.driver()
  for (const name of names) await driver.subscribe({ name, filter: {}, keep })
  return driver
}

const fanOut: Case<TopicHarness>[] = [
  {
    name: 'every subscription gets each message as published, under one id, though nobody consumed',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b', 'c')
      const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      const attributes = { kind: 'paid', 'a name': "it's 中" }
      const ids = await driver.publish(bodies.map((body) => ({ ...message(null), body, headers, attributes })))
      const other = await harness.driver()
      for (const name of ['a', 'b', 'c']) {
        const lent = await take(other, name)
        assert.deepEqual(
          lent.map(({ id, body, attempt }) => `${id} ${body} ${attempt}`).toSorted(),
          ids.map((id, n) => `${id} ${bodies[n]} 1`).toSorted(),
        )
        assert.deepEqual([lent[0]!.headers, lent[0]!.attributes], [headers, attributes])
        assert.ok(Math.abs(lent[0]!.publishedAt.getTime() - Date.now()) < longMs)
      }
    },
  },
  {
    name: 'a subscription gets what is published after it was made, also when it is made again',
    async run(harness) {
      const driver = await harness.driver()
      assert.equal((await driver.publish([message('before')])).length, 1)
      await driver.subscribe({ name: 'a', filter: {}, keep })
      await driver.publish([message('after')])
      await driver.subscribe({ name: 'a', filter: {}, keep })
      assert.deepEqual(values(await take(driver, 'a')), ['after'])
    },
  },
  {
    name: 'consumers of one subscription compete',
    async run(harness) {
      const drivers = [await subscribed(harness, 'a'), await harness.driver(), await harness.driver()]
      const ids = await drivers[0]!.publish(Array.from({ length: 90 }, (_, n) => message(n)))
      const rounds = await Promise.all(
        drivers.map(async (driver) => {
          const mine: Delivered[] = []
          for (let lent = await take(driver, 'a', 7); lent.length > 0; lent = await take(driver, 'a', 7))
            mine.push(...lent)
          return mine
        }),
      )
      assert.deepEqual(
        rounds
          .flat()
          .map(({ id }) => id)
          .toSorted(),
        ids.toSorted(),
      )
    },
  },
  {
    name: 'a subscription that was ended holds nothing, also when it is made again',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([message(1)])
      await driver.unsubscribe('a')
      await driver.unsubscribe('nobody')
      await assert.rejects(take(driver, 'a'), (error) => isAshlarError(error, 'not_found'))
      await driver.subscribe({ name: 'a', filter: {}, keep })
      assert.deepEqual(await take(driver, 'a'), [])
      assert.deepEqual(values(await take(driver, 'b')), [1])
    },
  },
  {
    name: 'every named attribute must have one of its values',
    needs: 'filters',
    async run(harness) {
      const driver = await harness.driver()
      await driver.subscribe({ name: 'paid', filter: { kind: ['paid', 'refunded'], country: ['de'] }, keep })
      await driver.subscribe({ name: 'all', filter: {}, keep })
      const published: Record<string, string>[] = [
        { kind: 'paid', country: 'de', more: 'x' },
        { kind: 'refunded', country: 'de' },
        { kind: 'paid', country: 'fr' },
        { kind: 'paid' },
        { Kind: 'paid', country: 'de' },
        {},
      ]
      await driver.publish(published.map((attributes, n) => message(n, { attributes })))
      assert.deepEqual(values(await take(driver, 'paid')), [0, 1])
      assert.deepEqual(values(await take(driver, 'all')), [0, 1, 2, 3, 4, 5])
    },
  },
  {
    name: 'a changed filter holds for what is published from then on',
    needs: 'changesFilters',
    async run(harness) {
      const driver = await harness.driver()
      await driver.subscribe({ name: 'a', filter: { kind: ['x'] }, keep })
      await driver.publish([message(1, { attributes: { kind: 'x' } }), message(2, { attributes: { kind: 'y' } })])
      await (await harness.driver()).subscribe({ name: 'a', filter: { kind: ['y'] }, keep })
      await driver.publish([message(3, { attributes: { kind: 'x' } }), message(4, { attributes: { kind: 'y' } })])
      assert.deepEqual(values(await take(driver, 'a')), [1, 4])
    },
  },
]

const leases: Case<TopicHarness>[] = [
  {
    name: 'redelivers after the lease ends, to that subscription only',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([message('m')])
      const [first] = await wait(driver, 'a', 1, shortMs)
      await end(driver, 'b', await wait(driver, 'b'))
      const [second] = await wait(driver, 'a')
      assert.deepEqual([second!.id, second!.attempt], [first!.id, 2])
      assert.ok(second!.token > first!.token)
      assert.deepEqual(await take(driver, 'b'), [])
    },
  },
  {
    name: 'a stale token, or one of another subscription, changes nothing',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([message('m')])
      const [stale] = await wait(driver, 'a', 1, shortMs)
      const [held] = await wait(driver, 'a')
      assert.deepEqual(await end(driver, 'a', [stale!]), [false])
      assert.deepEqual(await driver.extend('a', [stale!.token], longMs), [false])
      assert.deepEqual(await end(driver, 'a', [stale!, held!]), [false, true])
      assert.deepEqual(await end(driver, 'a', [held!]), [false])
      assert.deepEqual(values(await take(driver, 'b')), ['m'])
    },
  },
  {
    name: 'what was released was no attempt',
    needs: 'uncounted',
    async run(harness) {
      const driver = await subscribed(harness, 'a')
      await driver.publish([message('m')])
      const [lent] = await wait(driver, 'a')
      assert.deepEqual(await end(driver, 'a', [lent!], 'release'), [true])
      assert.equal((await wait(driver, 'a'))[0]!.attempt, 1)
    },
  },
  {
    name: 'retry comes after its delay, release at once, extend prolongs',
    async run(harness) {
      const driver = await subscribed(harness, 'a')
      await driver.publish([message('m')])
      const [lent] = await wait(driver, 'a')
      assert.deepEqual(await end(driver, 'a', [lent!], 'release'), [true])
      const [again] = await wait(driver, 'a', 1, 1_000)
      assert.deepEqual(await driver.extend('a', [again!.token], longMs), [true])
      assert.deepEqual(await driver.receive('a', { max: 1, leaseMs: longMs, waitMs: 1_300, signal: never }), [])
      const settledMs = performance.now()
      await driver.settle('a', [{ token: again!.token, outcome: 'retry', delayMs: 500, error: 'x' }])
      const [last] = await wait(driver, 'a')
      assert.ok(performance.now() - settledMs >= 490, 'it came too early')
      assert.equal(last!.attempt, again!.attempt + 1)
    },
  },
  {
    name: 'a dead letter is of its subscription alone, and comes again when redriven',
    needs: 'deadLetters',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      const attributes = { kind: 'x' }
      const [id] = await driver.publish([message('m', { attributes })])
      const [lent] = await wait(driver, 'a')
      await driver.settle('a', [{ token: lent!.token, outcome: 'dead', error: 'bad \0 news' }])
      const [dead] = await driver.dead('a', { limit: 10 })
      assert.deepEqual([dead!.id, dead!.body, dead!.attempts, dead!.attributes], [id, '"m"', 1, attributes])
      assert.match(dead!.error, /^bad .*news$/)
      assert.deepEqual(await driver.dead('b', { limit: 10 }), [])
      assert.deepEqual(values(await take(driver, 'b')), ['m'])
      assert.equal(await driver.redrive('b', 'all'), 0)
      assert.equal(await driver.redrive('a', [id!, 'nobody']), 1)
      const [again] = await wait(driver, 'a')
      assert.deepEqual([again!.id, again!.attempt, again!.attributes], [id, 1, attributes])
    },
  },
  {
    name: "a dead letter tells its subscription's failed attempts, oldest first, leases that ended by themselves too",
    needs: 'history',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([message('m')])
      const [other] = await wait(driver, 'b')
      await driver.settle('b', [{ token: other!.token, outcome: 'retry', delayMs: longMs, error: 'of b' }])
      const [first] = await wait(driver, 'a')
      await driver.settle('a', [{ token: first!.token, outcome: 'retry', delayMs: 0, error: 'no 1' }])
      await wait(driver, 'a', 1, shortMs)
      const [last] = await wait(driver, 'a')
      await driver.settle('a', [{ token: last!.token, outcome: 'dead', error: 'no 3' }])
      const [{ history }] = (await driver.dead('a', { limit: 1 })) as [DeadLetter]
      assert.deepEqual(
        history.map(({ attempt }) => attempt),
        [1, 2, 3],
      )
      assert.deepEqual([history[0]!.error, history[2]!.error], ['no 1', 'no 3'])
      assert.match(history[1]!.error, /lease ended/)
      assert.ok(history.every(({ at }) => Math.abs(at.getTime() - Date.now()) < longMs))
    },
  },
  {
    name: 'within a subscription the next message of a key waits until the earlier one is settled',
    needs: 'ordered',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([message('k1', { key: 'k' }), message('k2', { key: 'k' }), message('l1', { key: 'l' })])
      const first = await take(driver, 'a')
      assert.deepEqual([values(first), first[0]!.key], [['k1', 'l1'], 'k'])
      await end(driver, 'b', await take(driver, 'b'))
      assert.deepEqual(values(await wait(driver, 'b')), ['k2'])
      await driver.settle('a', [{ token: first[0]!.token, outcome: 'retry', delayMs: 400, error: 'x' }])
      assert.deepEqual(await take(driver, 'a'), [])
      const again = await wait(driver, 'a')
      assert.deepEqual(values(again), ['k1'])
      await end(driver, 'a', again)
      assert.deepEqual(values(await wait(driver, 'a')), ['k2'])
    },
  },
]

const engine: Case<TopicHarness>[] = [
  {
    name: 'a waiting receive gets what another process publishes',
    async run(harness) {
      const [publisher, waiting] = [await subscribed(harness, 'a'), await harness.driver()]
      for (let n = 0; n < 5; n++) {
        const received = wait(waiting, 'a')
        await new Promise((resolve) => setTimeout(resolve, n * 20))
        await publisher.publish([message(n)])
        assert.deepEqual(values(await received), [n])
      }
    },
  },
  {
    name: 'a receive that is aborted, or whose driver closes, ends early',
    async run(harness) {
      const [driver, closing] = [await subscribed(harness, 'a'), await harness.driver()]
      const leaving = new AbortController()
      const received = driver.receive('a', { max: 1, leaseMs: longMs, waitMs: 25_000, signal: leaving.signal })
      const other = wait(closing, 'a')
      leaving.abort()
      assert.ok(await settledWithin(received, 5_000), 'it should have returned when its signal aborted')
      assert.deepEqual(await received, [])
      await closing.close()
      await other.catch(() => undefined)
      await closing.close()
    },
  },
  {
    name: 'tells for each subscription what is pending and dead, and how old',
    needs: 'figures',
    async run(harness) {
      const driver = await subscribed(harness, 'a', 'b')
      await driver.publish([1, 2, 3].map((n) => message(n)))
      const [lent] = await wait(driver, 'b', 1)
      await driver.settle('b', [{ token: lent!.token, outcome: 'dead', error: 'x' }])
      const stats = await driver.stats()
      assert.deepEqual(
        stats.map(({ subscription, pending, dead }) => [subscription, pending, dead]),
        [
          ['a', 3, 0],
          ['b', 2, 1],
        ],
      )
      for (const { oldestAgeMs } of stats) assert.ok(oldestAgeMs > 0 && oldestAgeMs < longMs)
    },
  },
  {
    name: 'topics and subscriptions whose names differ only a little do not mix',
    async run(harness) {
      const long = 'n'.repeat(47)
      const names = ['OrderPaid', 'orderpaid', `${long}a`, `${long}b`]
      const drivers = await Promise.all(names.map((name) => harness.driver(name)))
      for (const driver of drivers) for (const name of names) await driver.subscribe({ name, filter: {}, keep })
      await Promise.all(drivers.map((driver, n) => driver.publish([message(names[n])])))
      for (const [n, driver] of drivers.entries())
        for (const name of names) assert.deepEqual(values(await wait(driver, name)), [names[n]])
    },
  },
  {
    name: 'many may open it and subscribe at the same time on an empty engine',
    async run(harness) {
      const drivers = await Promise.all(Array.from({ length: 8 }, () => harness.driver()))
      await Promise.all(drivers.map((driver) => driver.subscribe({ name: 'a', filter: {}, keep })))
      await Promise.all(drivers.map((driver, n) => driver.publish([message(n)])))
      assert.equal((await take(drivers[0]!, 'a')).length, 8)
    },
  },
  {
    name: 'what is published in a transaction counts from its commit, or never',
    needs: 'transactions',
    async run(harness) {
      await using sql = openSql(harness.databaseUrl!)
      const driver = await subscribed(harness, 'a')
      const undone = sql.transaction(async (tx) => {
        assert.equal(tx.origin, driver.origin)
        await driver.publish([message('never'), message('never', { key: 'k' })], tx)
        throw new Error('undone')
      })
      await assert.rejects(undone, /undone/)
      const waiting = wait(driver, 'a')
      await sql.transaction(async (tx) => {
        await driver.publish([message('then')], tx)
        assert.deepEqual(await take(driver, 'a'), [])
      })
      assert.deepEqual(values(await waiting), ['then'])
    },
  },
]

export const driverCases: readonly Case<TopicHarness>[] = [...fanOut, ...leases, ...engine]
