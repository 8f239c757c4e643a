import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { Assignment, Membership, Offset } from '../driver.ts'
import { readNow, record, refuses, settled, type StreamHarness } from './harness.ts'

const hourMs = 3_600_000
const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)

/** Committed offsets as numbers, by partition: a driver that keeps them as bigints answers those. */
function placesOf(committed: ReadonlyMap<number, Offset>): [number, number][] {
  return [...committed]
    .map(([partition, offset]): [number, number] => [partition, Number(offset)])
    .sort(([a], [b]) => a - b)
}

/** Beats all until each has its share of the same generation. */
async function shared(memberships: readonly Membership[]) {
  for (let round = 0; round < 100; round++) {
    const shares: Assignment[] = []
    for (const each of memberships) shares.push(await each.heartbeat(false))
    if (shares.every(({ settling, generation }) => !settling && generation === shares[0]!.generation)) return shares
  }
  throw new Error('the group did not settle within 100 rounds of heartbeats')
}

/** Consumer groups: who owns what, who may commit, and where a group is. */
export const groupCases: readonly Case<StreamHarness>[] = [
  {
    name: 'one member owns all partitions; two share them, none twice, in a later generation',
    async run(harness) {
      const [here, there] = [await harness.open(), await harness.open()]
      const one = await here.join('g', { member: 'one', sessionMs: hourMs })
      const alone = await settled(one)
      assert.deepEqual(ascending(alone.partitions), [0, 1, 2, 3])
      let told = 0
      const two = await there.join('g', { member: 'two', sessionMs: hourMs, changed: () => void told++ })
      const shares = await shared([one, two])
      assert.deepEqual(ascending(shares.flatMap(({ partitions }) => partitions)), [0, 1, 2, 3])
      assert.deepEqual(
        shares.map(({ partitions }) => partitions.length),
        [2, 2],
      )
      assert.ok(shares[0]!.generation > alone.generation)
      const other = await settled(await here.join('other', { member: 'one', sessionMs: hourMs }))
      assert.equal(other.partitions.length, 4, 'another group is not concerned')
    },
  },
  {
    name: 'the partitions of a member that leaves are free at once',
    async run(harness) {
      const driver = await harness.open()
      const one = await driver.join('g', { member: 'one', sessionMs: hourMs })
      const two = await driver.join('g', { member: 'two', sessionMs: hourMs })
      await shared([one, two])
      await two.leave()
      assert.equal((await settled(one)).partitions.length, 4)
    },
  },
  {
    name: 'the partitions of a member that falls silent pass on, and what it commits then is refused',
    async run(harness) {
      const [here, there] = [await harness.open(), await harness.open()]
      const silent = await here.join('g', { member: 'silent', sessionMs: harness.sessionMs })
      const { generation, partitions } = await settled(silent)
      await silent.commit(generation, new Map([[partitions[0]!, 0]]))
      const next = await there.join('g', { member: 'next', sessionMs: hourMs })
      await until(
        'it owns all',
        async () => (await next.heartbeat(false)).partitions.length === 4,
        harness.sessionMs * 20,
      )
      await refuses(harness, 'conflict', silent.commit(generation, new Map([[partitions[0]!, 9]])))
      assert.equal(Number((await there.committed('g')).get(partitions[0]!)), 0)
      const again = await shared([silent, next])
      assert.equal(again.flatMap((share) => share.partitions).length, 4, 'it joins again by its heartbeat')
    },
  },
  {
    name: 'a member that beats is not taken out, however short its session',
    async run(harness) {
      const driver = await harness.open()
      const one = await driver.join('g', { member: 'one', sessionMs: harness.sessionMs })
      const { generation } = await settled(one)
      const end = performance.now() + harness.sessionMs * 3
      await until('three sessions have passed', async () => {
        assert.equal((await one.heartbeat(true)).generation, generation)
        return performance.now() > end
      })
    },
  },
  {
    name: 'a rebalance waits for a member that still holds its partitions, and takes its last commits',
    async run(harness) {
      const driver = await harness.open()
      const one = await driver.join('g', { member: 'one', sessionMs: hourMs })
      const { generation } = await settled(one)
      const two = await driver.join('g', { member: 'two', sessionMs: hourMs })
      for (let beat = 0; beat < 3; beat++) {
        assert.deepEqual([(await two.heartbeat(false)).partitions, (await one.heartbeat(true)).settling], [[], true])
      }
      await one.commit(
        generation,
        new Map([
          [0, 5],
          [1, 5],
        ]),
      )
      await shared([one, two])
      await refuses(harness, 'conflict', one.commit(generation, new Map([[0, 6]])))
      assert.deepEqual(placesOf(await driver.committed('g')), [
        [0, 5],
        [1, 5],
      ])
    },
  },
  {
    name: 'commits move forward only, in every process, each group by itself',
    async run(harness) {
      const [here, there] = [await harness.open(), await harness.open()]
      const one = await here.join('g', { member: 'one', sessionMs: hourMs })
      const { generation } = await settled(one)
      assert.deepEqual(await there.committed('g'), new Map())
      await one.commit(
        generation,
        new Map([
          [0, 5],
          [3, 2],
        ]),
      )
      await one.commit(
        generation,
        new Map([
          [0, 3],
          [3, 4],
        ]),
      )
      assert.deepEqual(placesOf(await there.committed('g')), [
        [0, 5],
        [3, 4],
      ])
      assert.deepEqual(await there.committed('other'), new Map())
    },
  },
  {
    name: 'a group is moved, backwards too, only while it has no member',
    async run(harness) {
      const driver = await harness.open()
      const one = await driver.join('g', { member: 'one', sessionMs: hourMs })
      const { generation } = await settled(one)
      await one.commit(generation, new Map([[0, 5]]))
      await refuses(harness, 'conflict', driver.seek('g', new Map([[0, 1]])))
      await one.leave()
      await driver.seek(
        'g',
        new Map([
          [0, 1],
          [1, 7],
        ]),
      )
      assert.deepEqual(placesOf(await driver.committed('g')), [
        [0, 1],
        [1, 7],
      ])
      await driver.seek('new', new Map([[2, 3]]))
      assert.deepEqual(placesOf(await driver.committed('new')), [[2, 3]])
    },
  },
  {
    name: 'tells members and lag of each group',
    async run(harness) {
      const driver = await harness.open()
      const [, second] = await driver.append([record(0, 'a'), record(0, 'b'), record(0, 'c')])
      const one = await driver.join('g', { member: 'one', sessionMs: hourMs })
      const { generation } = await settled(one)
      await one.commit(generation, new Map([[0, second!]]))
      const [stats] = await driver.groups()
      assert.deepEqual(stats, {
        group: 'g',
        members: 1,
        parked: 0,
        partitions: [{ partition: 0, committed: second, lag: 2 }],
      })
      await one.leave()
      assert.equal((await driver.groups())[0]!.members, 0)
    },
  },
  {
    name: 'keeps parked records with their error, once each, until retention',
    async run(harness) {
      const driver = await harness.open()
      await driver.append([record(1, 'bad', 'k'), record(1, null)])
      const parked = (await readNow(driver, 1, 0)).map((each) => ({ ...each, partition: 1, error: 'no good' }))
      await driver.park('g', parked)
      await driver.park('g', parked.slice(0, 1))
      const plain = (records: typeof parked) =>
        records.map(({ offset, key, value, error, partition, timestamp }) => [
          partition,
          offset,
          key && Buffer.from(key).toString(),
          value && Buffer.from(value).toString(),
          error,
          timestamp,
        ])
      assert.deepEqual(plain(await driver.parked('g', { limit: 10 })), plain(parked))
      assert.equal((await driver.parked('g', { limit: 1 })).length, 1)
      assert.deepEqual(await driver.parked('other', { limit: 10 }), [])
      assert.equal((await driver.groups())[0]!.parked, 2)
      await until('they are old', async () => {
        await driver.trim({ ms: 1, compact: false })
        return (await driver.parked('g', { limit: 10 })).length === 0
      })
    },
  },
]
