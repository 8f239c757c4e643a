import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Declaration, HandleOf } from '../../block.ts'
import { until } from '../../conformance.ts'
import { registry } from '../../telemetry.ts'
import { Spread } from './spread.ts'
import { stream, type Entry, type Stream, type StreamOptions } from './index.ts'

interface View {
  photo: string
}

test('declares without opening anything, and infers the type of its values', async () => {
  const declared = stream<View>({ partitions: 3, key: (view) => view.photo, because: 'analytics reads again' })
  const typed: Declaration<Stream<View>, StreamOptions<View>> = declared
  assert.deepEqual([typed.kind, typed.schemes[0], typed.needs], ['stream', 'postgres', []])
  const handle = (log: HandleOf<typeof declared>) => {
    // @ts-expect-error a View has a photo
    void log.append({ foto: 'p1' })
    return log.consume('g', (entries) => entries.map((entry: Entry<View>): string | undefined => entry.value?.photo))
  }
  assert.equal(typeof handle, 'function')
  // @ts-expect-error the key is made from a View
  stream<View>({ key: (view: { user: string }) => view.user })
})

test('opens alone in memory, with a name shared within the process', async () => {
  await using one = await stream<View>('views', { url: 'memory:stream-test', partitions: 2 })
  await using two = await stream<View>('views', { url: 'memory:stream-test', partitions: 2 })
  await using apart = await stream<View>('views', { url: 'memory:', partitions: 2 })
  await one.append({ photo: 'p1' })
  assert.deepEqual([(await two.stats())['records'], (await apart.stats())['records']], [1, 0])
  assert.deepEqual([one.name, one.kind, one.driver], ['views', 'stream', 'memory'])
})

test('refuses options that it does not know or cannot keep, naming value, range and fix', async () => {
  const bad: [object, RegExp][] = [
    [{ partitions: 0 }, /partitions.*0.*1 to 1024/],
    [{ partitions: 1.5 }, /partitions.*1\.5.*whole/],
    [{ retain: '5ms' }, /retain.*'5ms'.*1000 to/],
    [{ retainBytes: 5 }, /retainBytes.*5.*1024 to/],
    [{ compact: 'yes' }, /compact.*yes.*true or false/],
    [{ key: 'photo' }, /key.*string.*\(value\) => value\.id/],
    [{ partition: 3 }, /'partition'.*partitions/],
  ]
  for (const [options, message] of bad) assert.throws(() => stream(options), { code: 'invalid_argument', message })
  await assert.rejects(stream('views', { url: 'memory:?x=1' }), { code: 'invalid_argument', message: /memory:NAME/ })
  await assert.rejects(stream('views', { url: 'ftp://h' }), { code: 'unsupported', message: /postgres:.* memory:/ })
  await using there = await stream('views', { url: 'memory:shape', partitions: 3 })
  await assert.rejects(stream('views', { url: 'memory:shape' }), { code: 'conflict', message: /3 partitions.*with 8/ })
  await there.append(1)
})

test('an engine that is away is told as unavailable, without the password', async () => {
  await assert.rejects(stream('views', { url: 'postgres://u:secret@127.0.0.1:1/d' }), (error: Error) => {
    assert.equal((error as unknown as { code: string }).code, 'unavailable')
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('keyless batches take the partitions in turn; a batch is not torn apart', () => {
  const spread = new Spread(3, 0)
  const draft = { body: '1', headers: {} }
  const batch = () => spread.batch([draft, draft]).map(({ partition }) => partition)
  assert.deepEqual(
    [batch(), batch(), batch()],
    [
      [1, 1],
      [2, 2],
      [0, 0],
    ],
  )
})

test('memory refuses more than 256 MB', async () => {
  await using log = await stream<string>('big', { url: 'memory:', partitions: 1 })
  const part = 'x'.repeat(1_000_000)
  const fill = async () => {
    for (let n = 0; n < 300; n++) await log.append(part)
  }
  await assert.rejects(fill(), { code: 'exhausted', message: /256 MB|268435456/ })
})

test('tells the lag of each owned partition at /metrics, and no more once closed', async () => {
  const log = await stream<number>('gauged', { url: 'memory:', partitions: 2 })
  const consumer = await log.consume('counts', () => undefined)
  await until('it owns all', () => consumer.partitions.length === 2)
  await until('both are told', async () => (await told()).length === 2)
  async function told() {
    return (await registry.metrics()).split('\n').filter((line) => line.startsWith('ashlar_stream_lag{block="gauged"'))
  }
  await log.close()
  assert.deepEqual(await told(), [])
})
