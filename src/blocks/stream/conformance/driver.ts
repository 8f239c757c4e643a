import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { after, type Offset } from '../driver.ts'
import { readAll, readNow, record, refuses, text, valuesOf, type StreamHarness } from './harness.ts'

/** The log: order, completeness, waiting, retention. */
export const driverCases: readonly Case<StreamHarness>[] = [
  {
    name: 'gives back keys, values and headers as they were: null is not empty',
    async run(harness) {
      const driver = await harness.open()
      const sent = [
        { ...record(0, null, 'k'), headers: { traceparent: '00-ab', 'naïve ✓': '' } },
        record(0, '', ''),
        { ...record(0, 'x'), key: Buffer.from([0, 255, 10]), value: Buffer.from([0, 0, 128]) },
        record(0, 'y'),
      ]
      await driver.append(sent)
      const found = await readNow(driver, 0, 0)
      for (const [at, { key, value, headers }] of found.entries()) {
        assert.deepEqual(key && Buffer.from(key), sent[at]!.key)
        assert.deepEqual(value && Buffer.from(value), sent[at]!.value)
        assert.deepEqual(headers, sent[at]!.headers)
      }
      assert.equal(found.length, sent.length)
    },
  },
  {
    name: 'keeps the order of each partition, and answers the offsets under which records are found',
    async run(harness) {
      const [here, there] = [await harness.open(), await harness.open()]
      const sent = Array.from({ length: 30 }, (_, n) => record((n * 7) % 4, `${n}`))
      const offsets = await here.append(sent.slice(0, 15))
      offsets.push(...(await here.append(sent.slice(15))))
      for (const [n, { partition }] of sent.entries()) {
        const [found] = await readNow(there, partition, offsets[n]!, 1)
        assert.deepEqual([found?.offset, text(found!.value)], [offsets[n], `${n}`])
      }
      for (let partition = 0; partition < 4; partition++) {
        const expected = sent.filter((each) => each.partition === partition).map(({ value }) => text(value))
        assert.deepEqual(valuesOf(await readAll(there, partition)), expected)
      }
    },
  },
  {
    name: 'no reader skips a record that commits late: eight writers in any order of partitions, one tailing reader',
    async run(harness) {
      const writers = await Promise.all(Array.from({ length: 8 }, () => harness.open()))
      const reader = await harness.open()
      const seen: string[] = []
      let next: Offset = 0
      let isWritten = false
      const tail = async () => {
        const wasWritten = isWritten
        const page = await readNow(reader, 0, next)
        for (const each of page) {
          assert.ok(each.offset >= next, 'offsets grow')
          next = after(each.offset)
          seen.push(text(each.value)!)
        }
        return wasWritten && page.length === 0
      }
      const writing = writers.map(async (driver, writer) => {
        const order = writer % 2 ? [3, 2, 1, 0] : [0, 1, 2, 3]
        for (let n = 0; n < 20; n++) await driver.append(order.map((partition) => record(partition, `${writer}/${n}`)))
      })
      void Promise.all(writing).then(() => (isWritten = true))
      await until('the end is reached', tail, 25_000)
      await Promise.all(writing)
      assert.equal(new Set(seen).size, 8 * 20)
      for (let writer = 0; writer < 8; writer++) {
        const mine = seen.filter((each) => each.startsWith(`${writer}/`))
        assert.deepEqual(
          mine,
          Array.from({ length: 20 }, (_, n) => `${writer}/${n}`),
        )
      }
    },
  },
  {
    name: 'a reader at the end waits for the first record, its time, or its signal',
    async run(harness) {
      const [here, there] = [await harness.open(), await harness.open()]
      const page = { maxRecords: 10, maxBytes: 1024 }
      const stop = new AbortController()
      try {
        const aborted = there.read(1, 0, { ...page, waitMs: 60_000, signal: stop.signal })
        const woken = there.read(0, 0, { ...page, waitMs: 60_000, signal: stop.signal })
        assert.deepEqual(await there.read(2, 0, { ...page, waitMs: 50, signal: stop.signal }), [])
        await here.append([record(0, 'a')])
        let found: unknown
        void woken.then((records) => (found = valuesOf(records)))
        await until('it is woken', () => found !== undefined, 5_000)
        assert.deepEqual(found, ['a'])
        stop.abort()
        assert.deepEqual(await aborted, [])
        assert.deepEqual(await there.read(1, 0, { ...page, waitMs: 60_000, signal: stop.signal }), [])
      } finally {
        stop.abort()
      }
    },
  },
  {
    name: 'a page has at most so many records and about so many bytes, but one at least',
    async run(harness) {
      const driver = await harness.open()
      const signal = new AbortController().signal
      const offsets = await driver.append(Array.from({ length: 10 }, (_, n) => record(0, `${n}`.padEnd(1_000))))
      assert.equal((await readNow(driver, 0, 0, 3)).length, 3)
      assert.equal((await driver.read(0, offsets[4]!, { maxRecords: 10, maxBytes: 10, waitMs: 0, signal })).length, 1)
      const some = await driver.read(0, 0, { maxRecords: 10, maxBytes: 5_000, waitMs: 0, signal })
      assert.ok(some.length >= 2 && some.length <= 5, `${some.length} records for 5000 bytes`)
    },
  },
  {
    name: 'refuses to open a stream with another number of partitions than it has',
    async run(harness) {
      assert.equal((await harness.open({ partitions: 4 })).partitions, 4)
      await refuses(harness, 'conflict', harness.open({ partitions: 5 }))
    },
  },
  {
    name: 'finds offsets by time',
    async run(harness) {
      const driver = await harness.open()
      await driver.append([record(0, 'old')])
      const [old] = await readNow(driver, 0, 0)
      await until('the clock moves on', async () => {
        await driver.append([record(0, 'new')])
        return (await readAll(driver, 0)).at(-1)!.timestamp > old!.timestamp + 1
      })
      const all = await readAll(driver, 0)
      for (const at of [old!.timestamp, old!.timestamp + 1, all.at(-1)!.timestamp]) {
        const expected = all.find(({ timestamp }) => timestamp >= at)!.offset
        assert.equal((await driver.offsetsAt(at))[0], expected)
      }
      const { end } = (await driver.bounds())[0]!
      assert.equal((await driver.offsetsAt(all.at(-1)!.timestamp + 3_600_000))[0], end)
      assert.deepEqual(
        await driver.offsetsAt(0),
        (await driver.bounds()).map((bounds) => bounds.start),
      )
    },
  },
  {
    name: 'offsets count records from 0 on',
    needs: 'contiguous',
    async run(harness) {
      const driver = await harness.open()
      const none = { start: 0, end: 0 }
      assert.deepEqual(await driver.bounds(), [none, none, none, none])
      assert.deepEqual(await driver.append([0, 2, 0, 0].map((partition) => record(partition, 'x'))), [0, 0, 1, 2])
      assert.deepEqual(await driver.append([record(2, 'y'), record(0, 'y')]), [1, 3])
      assert.deepEqual(await driver.bounds(), [{ start: 0, end: 4 }, none, { start: 0, end: 2 }, none])
    },
  },
  {
    name: 'bounds tell the first record that is kept, and where the next one comes',
    async run(harness) {
      const driver = await harness.open()
      for (const { start, end } of await driver.bounds()) assert.equal(start, end)
      const [first, , last] = await driver.append([record(0, 'a'), record(0, 'b'), record(0, 'c')])
      const { start, end } = (await driver.bounds())[0]!
      assert.deepEqual([start, end], [first, after(last!)])
      assert.deepEqual(await readNow(driver, 0, end), [])
      const [next] = await driver.append([record(0, 'd')])
      assert.deepEqual(
        (await readNow(driver, 0, end)).map(({ offset }) => offset),
        [next],
      )
    },
  },
  {
    name: 'drops what is too old, keeps the end offset, and reads on at the start',
    needs: 'trims',
    async run(harness) {
      const driver = await harness.open()
      const appended = await driver.append([record(0, 'a'), record(0, 'b'), record(1, 'c')])
      assert.equal(await driver.trim({ ms: 3_600_000, compact: false }), 0)
      await until('they are old', async () => (await driver.trim({ ms: 1, compact: false })) > 0)
      await until('all are gone', async () => {
        await driver.trim({ ms: 1, compact: false })
        return (await driver.bounds()).every(({ start, end }) => start === end)
      })
      const ends = (await driver.bounds()).map(({ end }) => end)
      assert.deepEqual(ends.slice(0, 2), [after(appended[1]!), after(appended[2]!)])
      assert.deepEqual(await readNow(driver, 0, 0), [])
      const [next] = await driver.append([record(0, 'd')])
      assert.ok(next! >= ends[0]!, 'offsets go on where they were')
      assert.deepEqual(valuesOf(await readNow(driver, 0, 0)), ['d'])
    },
  },
  {
    name: 'drops the oldest beyond so many bytes of a partition',
    needs: 'trims',
    async run(harness) {
      const driver = await harness.open()
      for (let n = 0; n < 10; n++) await driver.append([record(0, `${n}`.padEnd(1_000))])
      await driver.trim({ bytesPerPartition: 5_000, compact: false })
      const left = await readAll(driver, 0)
      assert.ok(left.length >= 4 && left.length <= 6, `${left.length} of 10 records are left`)
      assert.equal(text(left.at(-1)!.value)!.trim(), '9')
      assert.deepEqual((await driver.bounds())[0], { start: left[0]!.offset, end: after(left.at(-1)!.offset) })
    },
  },
  {
    name: 'compaction leaves the newest record of each key where it was, and drops old tombstones',
    needs: 'compactsOnTrim',
    async run(harness) {
      const driver = await harness.open()
      const sent = [record(0, '1', 'a'), record(0, '2', 'b'), record(0, '3', 'a'), record(0, null, 'b'), record(0, '4')]
      const appended = await driver.append(sent)
      assert.equal(await driver.trim({ ms: 3_600_000, compact: true }), 0)
      await until('they are old', async () => (await driver.trim({ ms: 1, compact: true })) > 0)
      assert.deepEqual(
        (await readAll(driver, 0)).map(({ offset, value }) => [offset, text(value)]),
        [
          [appended[2], '3'],
          [appended[4], '4'],
        ],
      )
      const [next] = await driver.append([record(0, '5', 'a')])
      assert.ok(next! > appended[4]!, 'offsets go on where they were')
    },
  },
]
