import assert from 'node:assert/strict'
import { test } from 'node:test'
import golden from './murmur2.golden.json' with { type: 'json' }
import { murmur2, partitionOf } from './murmur2.ts'

/** From Kafka's own UtilsTest.testMurmur2. */
const known: Record<string, number> = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
}

test('murmur2 gives the numbers that Kafka gives', () => {
  for (const [key, hash] of Object.entries(known)) assert.equal(murmur2(Buffer.from(key)), hash)
})

test('the partition is of the positive number, as in Kafka', () => {
  for (const [key, hash] of Object.entries(known))
    assert.equal(partitionOf(Buffer.from(key), 7), Number(BigInt.asUintN(31, BigInt(hash)) % 7n))
})

test('murmur2 takes any bytes, and views at any place of a buffer', () => {
  const bytes = Buffer.from([0, 255, 128, 7, 200])
  assert.equal(murmur2(bytes.subarray(1)), murmur2(Uint8Array.from([255, 128, 7, 200])))
  assert.equal(typeof partitionOf(new Uint8Array(0), 3), 'number')
})

test('200 keys lie in the partitions that Kafka’s own Java client chooses, for any number of partitions', () => {
  assert.equal(golden.rows.length, 200)
  for (const [key, hash, ...places] of golden.rows as [string, number, ...number[]][]) {
    const bytes = Buffer.from(key)
    assert.equal(murmur2(bytes), hash, key)
    assert.deepEqual(
      golden.counts.map((count) => partitionOf(bytes, count)),
      places,
      key,
    )
  }
})
