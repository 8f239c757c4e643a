import assert from 'node:assert/strict'
import { silent, type OpenContext, type Schema } from '../../../block.ts'
import { until, type Case } from '../../../conformance.ts'
import { isAshlarError, type Code } from '../../../errors.ts'
import { GiveUp } from '../../../lease/retry.ts'
import type { TopicHarness } from './harness.ts'
import { OpenTopic } from '../open-topic.ts'
import type { TopicOptions } from '../topic.ts'

/** The portable type over one more driver of the harness. */
async function open<T = unknown>(harness: TopicHarness, options: TopicOptions<T> = {}): Promise<OpenTopic<T>> {
  const { databaseUrl } = harness
  const context: OpenContext = {
    name: 'events',
    service: 'tested',
    url: 'tested:',
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    folder: '.ashlar',
    secret: 's'.repeat(32),
    relays: false,
    log: silent,
    block: () => assert.fail('a topic needs no other block'),
  }
  const driver = await harness.driver()
  const codeOf = (error: unknown) => harness.codeOf(error)
  return OpenTopic.open<T>({ context, driver, options, scheme: 'tested', codeOf })
}

function refusedWith(code: Code): (error: unknown) => boolean {
  return (error) => isAshlarError(error, code)
}

/** As far as the driver tells. */
async function isSettled<T>(topic: OpenTopic<T>): Promise<boolean> {
  return (await topic.subscriptions()).every(({ pending }) => !(pending > 0))
}

const even: Schema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value % 2 === 0 ? { value } : { issues: [{ message: 'must be even' }] },
  },
}

const cases: Case<TopicHarness>[] = [
  {
    name: 'each subscription handles each message once while nothing fails, shared by its consumers',
    async run(harness) {
      await using here = await open<number>(harness)
      await using there = await open<number>(harness)
      const seen: Record<string, number[]> = { mail: [], bill: [] }
      for (const topic of [here, there])
        for (const name of ['mail', 'bill'])
          await topic.subscribe(name, ({ payload }) => void seen[name]!.push(payload))
      await Promise.all(Array.from({ length: 30 }, (_, n) => here.publish(n)))
      await there.publishMany(Array.from({ length: 30 }, (_, n) => 30 + n))
      await until('all are handled', () => seen['mail']!.length >= 60 && seen['bill']!.length >= 60)
      await until('all are settled', () => isSettled(here))
      for (const payloads of Object.values(seen))
        assert.deepEqual(
          payloads.toSorted((a, b) => a - b),
          Array.from({ length: 60 }, (_, n) => n),
        )
    },
  },
  {
    name: 'a handler that throws silences nobody else, and only its subscription tries again',
    async run(harness) {
      await using topic = await open<string>(harness)
      const seen: string[] = []
      let tries = 0
      const failing = () => {
        tries++
        throw undefined
      }
      await topic.subscribe('first', failing, { attempts: 3, backoff: 20 })
      await topic.subscribe('second', ({ payload }) => void seen.push(`second ${payload}`))
      await topic.subscribe('third', ({ payload }) => void seen.push(`third ${payload}`))
      await topic.publish('a')
      await until('it was tried three times', () => tries === 3 && seen.length === 2)
      await until('all is settled', () => isSettled(topic))
      assert.deepEqual(seen.toSorted(), ['second a', 'third a'])
    },
  },
  {
    name: 'dead letters are of one subscription: by attempts or at once by GiveUp; redriven they come again',
    needs: 'deadLetters',
    async run(harness) {
      await using topic = await open<string>(harness)
      const attempts: number[] = []
      await topic.subscribe(
        'a',
        ({ attempt }) => {
          attempts.push(attempt)
          throw 'x'
        },
        { attempts: 2, backoff: 10 },
      )
      await topic.subscribe('b', () => {
        throw new GiveUp('never')
      })
      const id = await topic.publish('m')
      await until('both are dead', async () => (await topic.dead('a')).length + (await topic.dead('b')).length === 2)
      const [a] = await topic.dead('a')
      const [b] = await topic.dead('b', { limit: 1 })
      assert.deepEqual([a!.id, a!.error, a!.attempts], [id, 'x', 2])
      assert.deepEqual([b!.id, b!.error, b!.attempts], [id, 'never', 1])
      assert.equal(await topic.redrive('a', 'all'), 1)
      await until('it is dead again', async () => (await topic.dead('a')).length === 1)
      assert.deepEqual(attempts, [1, 2, 1, 2])
    },
  },
  {
    name: 'a subscription keeps what is published while no consumer is there',
    async run(harness) {
      await using topic = await open<number>(harness)
      const seen: number[] = []
      const consumer = await topic.subscribe('a', ({ payload }) => void seen.push(payload))
      await topic.publish(1)
      await until('the first is handled', () => seen.length === 1)
      await consumer.close()
      await topic.publish(2)
      assert.deepEqual(seen, [1])
      await topic.subscribe('a', ({ payload }) => void seen.push(payload))
      await until('the second is handled', () => seen.length === 2)
    },
  },
  {
    name: 'filters, attributes and keys reach the handler',
    needs: 'filters',
    async run(harness) {
      await using topic = await open<number>(harness)
      const seen: unknown[] = []
      await topic.subscribe('a', ({ payload, attributes, key }) => void seen.push([payload, attributes, key]), {
        filter: { kind: 'paid', country: ['de', 'fr'] },
      })
      await topic.publish(1, { attributes: { kind: 'paid', country: 'it' } })
      const { ordered } = (await harness.driver()).capabilities
      await topic.publish(2, { attributes: { kind: 'paid', country: 'fr' }, ...(ordered && { key: 'k' }) })
      await until('one is handled', () => seen.length === 1)
      assert.deepEqual(seen, [[2, { kind: 'paid', country: 'fr' }, ordered ? 'k' : undefined]])
    },
  },
  {
    name: 'once runs effects one time for a message, subscription and name',
    async run(harness) {
      await using topic = await open<string>(harness)
      const effects: string[] = []
      let deliveries = 0
      for (const name of ['a', 'b'])
        await topic.subscribe(
          name,
          async (message) => {
            deliveries++
            await message.once('mail', async () => void effects.push(name))
            if (message.attempt < 3) throw new Error('after the effects')
          },
          { backoff: 10 },
        )
      await topic.publish('m')
      await until('three attempts each', () => deliveries === 6)
      assert.deepEqual(effects.toSorted(), ['a', 'b'])
    },
  },
  {
    name: 'a payload that breaks the schema is refused when published, and dead at once when received',
    needs: 'deadLetters',
    async run(harness) {
      await using loose = await open<unknown>(harness)
      await using topic = await open<number>(harness, { schema: even })
      await assert.rejects(topic.publish(3), refusedWith('invalid_argument'))
      const seen: number[] = []
      await topic.subscribe('a', ({ payload }) => void seen.push(payload), { backoff: '1h' })
      await loose.publishMany([3, 4])
      await until('one is dead, one is handled', async () => (await topic.dead('a')).length === 1 && seen.length === 1)
      assert.match((await topic.dead('a'))[0]!.error, /must be even/)
    },
  },
  {
    name: 'a closed topic refuses, an unknown subscription is not found',
    async run(harness) {
      const topic = await open<number>(harness)
      await topic.subscribe('a', () => undefined)
      await assert.rejects(topic.dead('nobody'), refusedWith('not_found'))
      await topic.unsubscribe('a')
      assert.deepEqual(await topic.subscriptions(), [])
      await topic.close()
      await topic.close()
      await assert.rejects(topic.publish(1), refusedWith('closed'))
      await assert.rejects(
        topic.subscribe('a', () => undefined),
        refusedWith('closed'),
      )
    },
  },
]

export const portableCases: readonly Case<TopicHarness>[] = cases
