import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { GiveUp } from '../../../lease/retry.ts'
import { after } from '../driver.ts'
import type { OpenStream } from '../open-stream.ts'
import type { Consumer, ConsumeOptions, Entry } from '../stream.ts'
import { lineTo, portable, record, type StreamHarness } from './harness.ts'

/** Collects what a group handles. */
function collect(
  log: OpenStream<number>,
  group: string,
  seen: number[],
  options: ConsumeOptions = {},
): Promise<Consumer> {
  const handler = (entries: readonly Entry<number>[]) => void seen.push(...entries.map(({ value }) => value!))
  return log.consume(group, handler, { session: '1s', ...options })
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n)
const sorted = (of: readonly number[]) => [...of].sort((a, b) => a - b)

/** Consuming through the portable type. */
export const consumerCases: readonly Case<StreamHarness>[] = [
  {
    name: 'each group handles every record, in order by key, and goes on where it was',
    async run(harness) {
      await using log = await portable<number>(harness, { key: (n) => `k${n % 3}` })
      await log.appendMany(numbers(50))
      const [one, two]: number[][] = [[], []]
      const first = await collect(log, 'one', one!, { batch: 7 })
      await collect(log, 'two', two!)
      await until('both have all', () => one!.length === 50 && two!.length === 50)
      for (let key = 0; key < 3; key++) {
        const inOrder = one!.filter((n) => n % 3 === key)
        assert.deepEqual(inOrder, sorted(inOrder))
      }
      await first.close()
      assert.equal(first.running, false)
      await log.appendMany([50, 51])
      const again: number[] = []
      await collect(log, 'one', again)
      await until('it goes on', () => again.length >= 2)
      assert.deepEqual([sorted(one!), sorted(again)], [numbers(50), [50, 51]])
    },
  },
  {
    name: 'a group without commits begins at the start, the end or a time; at the end it misses nothing that comes later',
    async run(harness) {
      await using log = await portable<number>(harness)
      await log.appendMany([1, 2, 3])
      const [start, end, time]: number[][] = [[], [], []]
      await collect(log, 'start', start!)
      await collect(log, 'time', time!, { from: new Date(0) })
      const ending = await collect(log, 'end', end!, { from: 'end' })
      const placed = async () => (await log.groups()).find(({ group }) => group === 'end')?.partitions.length === 4
      await until('it has its place', placed)
      await ending.close()
      await log.append(4)
      await collect(log, 'end', end!, { from: 'end' })
      await until('all are there', () => start!.length === 4 && time!.length === 4 && end!.length === 1)
      assert.deepEqual([sorted(start!), sorted(time!), end], [[1, 2, 3, 4], [1, 2, 3, 4], [4]])
    },
  },
  {
    name: 'a batch whose handler fails comes again, and holds up its own partition only',
    async run(harness) {
      await using log = await portable<number>(harness, {}, await harness.open())
      const driver = await harness.open()
      const [, second] = await driver.append([record(0, '1'), record(0, '2'), record(1, '3')])
      const seen: string[] = []
      let failures = 2
      await log.consume('g', (entries) => {
        seen.push(entries.map(({ value }) => value).join())
        if (entries[0]!.partition === 0 && failures-- > 0) throw new Error('not now')
      })
      await until('it worked', () => seen.filter((each) => each === '1,2').length === 3)
      assert.ok(seen.includes('3'))
      await until('it is committed', async () => (await driver.committed('g')).get(0) === after(second!))
    },
  },
  {
    name: 'parks a record whose handler keeps failing, alone, with its error, and goes on',
    async run(harness) {
      await using log = await portable<number>(harness, {}, await harness.open())
      const driver = await harness.open()
      const offsets = await driver.append([record(0, '1'), record(0, '2'), record(0, 'no json'), record(0, '4')])
      const seen: number[] = []
      const handler = (entries: readonly Entry<number>[]) => {
        for (const { value } of entries) {
          if (value === 2) throw new GiveUp('two is no good')
          seen.push(value!)
        }
      }
      await log.consume('g', handler, { poison: 'park' })
      await until('it went on', () => seen.includes(4))
      assert.deepEqual(sorted([...new Set(seen)]), [1, 4])
      const parked = await log.parked('g')
      assert.deepEqual(
        parked.map(({ offset, body }) => [offset, body]),
        [
          [offsets[1], '2'],
          [offsets[2], 'no json'],
        ],
      )
      assert.match(parked[0]!.error, /two is no good/)
      assert.match(parked[1]!.error, /not JSON/)
      assert.equal((await log.stats())['parked'], 2)
      await until('all are committed', async () => (await driver.committed('g')).get(0) === after(offsets[3]!))
    },
  },
  {
    name: 'a member that joins or leaves in order costs nobody a record, and makes none come twice',
    async run(harness) {
      await using here = await portable<number>(harness, { key: String })
      await using there = await portable<number>(harness, { key: String })
      const seen: number[] = []
      const first = await collect(here, 'g', seen, { batch: 3 })
      await until('it owns all', () => first.partitions.length === 4)
      let appended = 0
      const feed = async () => here.appendMany([appended++, appended++, appended++, appended++])
      await feed()
      const second = await collect(there, 'g', seen, { batch: 3 })
      await until('they share', async () => {
        await feed()
        return first.partitions.length === 2 && second.partitions.length === 2
      })
      await second.close()
      await until('the first has all again', async () => {
        await feed()
        return first.partitions.length === 4
      })
      await until('all are handled', () => seen.length >= appended)
      assert.deepEqual(sorted(seen), numbers(appended))
    },
  },
  {
    name: 'goes on at the start when retention dropped what a group had not read, and tells how many',
    needs: 'trims',
    async run(harness) {
      await using log = await portable<number>(harness, {}, await harness.open())
      const driver = await harness.open()
      await driver.append([record(0, '1'), record(0, '2'), record(0, '3')])
      await log.seek('g', 'start')
      await until('they are gone', async () => {
        await driver.trim({ ms: 1, compact: false })
        const { start, end } = (await driver.bounds())[0]!
        return start === end
      })
      await driver.append([record(0, '4'), record(0, '5')])
      const seen: [number, number][] = []
      await log.consume('g', (entries, { skipped }) => void seen.push([entries[0]!.value!, skipped]), { batch: 1 })
      await until('it goes on', () => seen.length === 2)
      assert.deepEqual(seen, [
        [4, driver.capabilities.contiguous ? 3 : 0],
        [5, 0],
      ])
    },
  },
  {
    name: 'pause holds back what is next, resume goes on',
    async run(harness) {
      await using log = await portable<number>(harness)
      const seen: number[] = []
      const consumer = await collect(log, 'g', seen)
      const control: number[] = []
      await collect(log, 'control', control)
      consumer.pause()
      assert.equal(consumer.running, false)
      await until('it owns all', () => consumer.partitions.length === 4)
      await log.append(1)
      await log.append(2)
      await until('the control has them', () => control.length === 2)
      assert.ok(seen.length <= 1, 'at most what was being read when it was paused')
      consumer.resume()
      await until('it goes on', () => seen.length === 2)
    },
  },
  {
    name: 'close waits for the handler and commits; a handler that hangs is aborted, and its records come again',
    async run(harness) {
      const log = await portable<number>(harness)
      await log.append(1)
      const entered = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const patient = await log.consume('patient', async () => {
        entered.resolve()
        await gate.promise
      })
      await entered.promise
      setTimeout(() => gate.resolve(), 50)
      await patient.close()
      const lag = async (group: string) =>
        (await log.groups()).find((each) => each.group === group)!.partitions.reduce((sum, each) => sum + each.lag, 0)
      assert.equal(await lag('patient'), 0)
      const signals: AbortSignal[] = []
      const hanging = await log.consume('hanging', (_, { signal }) => {
        signals.push(signal)
        return new Promise(() => undefined)
      })
      await until('it hangs', () => signals.length === 1)
      await hanging.close()
      assert.equal(signals[0]!.aborted, true)
      assert.equal(await lag('hanging'), 1)
      const seen: number[] = []
      await collect(log, 'hanging', seen)
      await until('it comes again', () => seen.length === 1)
      await log.close()
    },
  },
  {
    name: 'an outage, longer than the session even, loses nothing',
    async run(harness) {
      const line = lineTo(await harness.open())
      await using log = await portable<number>(harness, {}, line)
      await using other = await portable<number>(harness)
      const seen: number[] = []
      const consumer = await collect(log, 'g', seen)
      await other.append(1)
      await until('it works', () => seen.length === 1)
      line.away = true
      await other.append(2)
      await until('its session is over', () => consumer.partitions.length === 0)
      line.away = false
      await other.append(3)
      await until('it works again', () => new Set(seen).size === 3)
      assert.deepEqual(sorted([...new Set(seen)]), [1, 2, 3])
    },
  },
  {
    name: 'one group name on two streams is two groups: both receive',
    async run(harness) {
      await using a = await portable<number>(harness, {}, await harness.open({ stream: 'a' }))
      await using b = await portable<number>(harness, {}, await harness.open({ stream: 'b' }))
      const [ofA, ofB]: number[][] = [[], []]
      await collect(a, 'g', ofA!, { session: '5m' })
      await collect(b, 'g', ofB!)
      await a.append(1)
      await b.append(2)
      await until('both have theirs', () => ofA!.length === 1 && ofB!.length === 1)
      assert.deepEqual([ofA, ofB], [[1], [2]])
    },
  },
]
