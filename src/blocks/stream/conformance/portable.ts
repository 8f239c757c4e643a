import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { Entry } from '../stream.ts'
import { partitionOf } from '../murmur2.ts'
import { lineTo, portable, readAll, record, refuses, valuesOf, type StreamHarness } from './harness.ts'

interface View {
  photo: string
  n: number
}

const byPhoto = { key: ({ photo }: View) => photo }

async function listed<T>(entries: AsyncIterable<Entry<T>>): Promise<Entry<T>[]> {
  const found: Entry<T>[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

/** Appending and reading through the portable type. */
export const portableCases: readonly Case<StreamHarness>[] = [
  {
    name: 'a value comes back as it was, with key, place and time; each key in the partition that Kafka would choose',
    async run(harness) {
      await using log = await portable<View>(harness, byPhoto)
      for (let n = 0; n < 12; n++) await log.append({ photo: `p${n % 5}`, n })
      await log.append({ photo: 'elsewhere', n: 12 }, { key: 'p1' })
      const entries = await listed(log.read())
      assert.deepEqual(
        entries.map(({ value }) => value!.n).sort((a, b) => a - b),
        Array.from({ length: 13 }, (_, n) => n),
      )
      for (const { key, partition, value, at } of entries) {
        assert.equal(partition, partitionOf(Buffer.from(key!), 4))
        assert.equal(key, value!.n === 12 ? 'p1' : value!.photo)
        assert.ok(Math.abs(at.getTime() - Date.now()) < 300_000)
      }
    },
  },
  {
    name: 'a removed key is a tombstone, not null and not empty',
    async run(harness) {
      await using log = await portable<string | null>(harness)
      await log.append('', { key: 'a' })
      await log.append(null, { key: 'a' })
      await log.remove('a')
      await log.append('x', { key: '' })
      const entries = await listed(log.read())
      const ofA = entries.filter(({ key }) => key === 'a').map(({ value }) => value)
      assert.deepEqual(ofA, ['', null, undefined])
      assert.deepEqual(
        entries.filter(({ key }) => key === '').map(({ value }) => value),
        ['x'],
      )
    },
  },
  {
    name: 'what is appended without waiting keeps its order, in few calls of the driver',
    async run(harness) {
      const line = lineTo(await harness.open())
      await using log = await portable<number>(harness, { key: () => 'same' }, line)
      const appends = Array.from({ length: 300 }, (_, n) => log.append(n))
      appends.push(log.appendMany([300, 301, 302]), log.append(303))
      await Promise.all(appends)
      assert.deepEqual(
        (await listed(log.read())).map(({ value }) => value),
        Array.from({ length: 304 }, (_, n) => n),
      )
      assert.ok(line.calls['append']! <= 10, `${line.calls['append']} calls for 304 records`)
    },
  },
  {
    name: 'records without a key are spread over the partitions',
    async run(harness) {
      const driver = await harness.open()
      await using log = await portable<number>(harness, {}, driver)
      for (let n = 0; n < 8; n++) await log.append(n)
      for (let partition = 0; partition < 4; partition++) assert.equal((await readAll(driver, partition)).length, 2)
    },
  },
  {
    name: 'reads from the start, the end or a time, one partition or all, to the end of the log as it was',
    async run(harness) {
      await using log = await portable<number>(harness, { key: String })
      await log.appendMany([1, 2, 3])
      const before = await listed(log.read())
      const latest = new Date(Math.max(...before.map(({ at }) => at.getTime())) + 1)
      await until('time finds the later ones only', async () => {
        await log.append(4)
        const found = await listed(log.read({ from: latest }))
        return found.length > 0 && found.every(({ value }) => value === 4)
      })
      assert.deepEqual(await listed(log.read({ from: 'end' })), [])
      const { partition } = before[0]!
      assert.ok((await listed(log.read({ partition }))).every((entry) => entry.partition === partition))
    },
  },
  {
    name: 'a follower gets what comes, and ends with its signal or with the stream',
    async run(harness) {
      const log = await portable<number>(harness)
      const stop = new AbortController()
      const seen: number[] = []
      const follow = async (signal?: AbortSignal) => {
        for await (const { value } of log.read({ follow: true, ...(signal ? { signal } : {}) })) seen.push(value!)
      }
      const one = follow(stop.signal)
      await log.append(1)
      await until('it follows', () => seen.length === 1)
      await log.append(2)
      await until('it goes on', () => seen.length === 2)
      stop.abort()
      await one
      const two = follow()
      await log.append(3)
      await until('another follows', () => seen.includes(3))
      await log.close()
      await two
    },
  },
  {
    name: 'a group is moved to the start, the end or a time, and told where each group is',
    async run(harness) {
      const driver = await harness.open()
      await using log = await portable<number>(harness, {}, driver)
      await log.appendMany([1, 2, 3, 4])
      await log.seek('g', 'end')
      const lag = async () => (await log.groups())[0]!.partitions.reduce((sum, each) => sum + each.lag, 0)
      assert.equal(await lag(), 0)
      await log.seek('g', 'start')
      assert.equal(await lag(), 4)
      await log.seek('g', new Date(Date.now() + 3_600_000))
      assert.equal(await lag(), 0)
      if (driver.capabilities.contiguous) assert.equal((await log.stats())['records'], 4)
    },
  },
  {
    name: 'refuses what it cannot keep: no JSON, a broken schema, too many bytes, bad names and places',
    async run(harness) {
      const driver = await harness.open()
      const schema = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            value === 'bad' ? { issues: [{ message: 'is bad' }] } : { value: value as string },
        },
      } as const
      await using log = await portable<string>(harness, { schema }, driver)
      const refused = [
        log.append(undefined as never),
        log.append('bad'),
        log.append('x'.repeat(driver.capabilities.maxBytes)),
        log.append('x', { key: 5 as never }),
        log.append('x', { key: 'a\0b' }),
        log.append('x', { keys: 'a' } as never),
        log.remove('k'.repeat(2_000)),
        log.seek('a b', 'start'),
        log.seek('g', 'middle' as never),
        log.parked('g', { limit: 0 }),
        log.consume('g', () => undefined, { batch: 0 }),
        log.consume('', () => undefined),
        listed(log.read({ partition: 4 })),
        listed(log.read({ from: new Date(NaN) })),
      ]
      for (const each of refused) await refuses(harness, 'invalid_argument', each)
      assert.deepEqual(valuesOf(await readAll(driver, 0)), [])
    },
  },
  {
    name: 'reports an engine that is away, by code, and works again when it is back',
    async run(harness) {
      const line = lineTo(await harness.open())
      await using log = await portable<number>(harness, {}, line)
      line.away = true
      for (const each of [log.append(1), log.bounds(), log.groups(), log.consume('g', () => undefined)])
        await assert.rejects(each, { code: 'unavailable', block: 'log', driver: 'test', retryable: true })
      assert.equal((await log.health()).ok, false)
      line.away = false
      await log.append(2)
      assert.equal((await log.health()).ok, true)
    },
  },
  {
    name: 'refuses to work once it is closed',
    async run(harness) {
      const log = await portable<number>(harness)
      await log.close()
      await log.close()
      for (const each of [log.append(1), log.bounds(), log.consume('g', () => undefined), listed(log.read())])
        await refuses(harness, 'closed', each)
      assert.equal((await log.health()).ok, false)
    },
  },
  {
    name: 'reads records that others wrote, and says what it cannot read',
    async run(harness) {
      const driver = await harness.open()
      await using log = await portable<number>(harness, {}, await harness.open())
      await driver.append([record(0, '{"n":1}', 'k'), record(0, 'no json')])
      const entries = log.read({ partition: 0 })[Symbol.asyncIterator]()
      assert.deepEqual((await entries.next()).value.value, { n: 1 })
      await assert.rejects(entries.next(), /not JSON/)
    },
  },
]
