import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { until } from '../../../conformance.ts'
import { pattern, refused, textOf, withBucket, type BucketCase } from './ask.ts'

export const bodyCases: readonly BucketCase[] = [
  withBucket('takes text, bytes, a Blob, streams and async iterables', async (bucket) => {
    const bodies = {
      text: 'héllo',
      bytes: new TextEncoder().encode('héllo'),
      blob: new Blob(['hé', 'llo']),
      node: Readable.from(['hé', Buffer.from('llo')]),
      web: new Blob(['héllo']).stream() as ReadableStream<Uint8Array>,
      iterable: pieces(Buffer.from('hé'), Buffer.alloc(0), Buffer.from('llo')),
    }
    for (const [key, body] of Object.entries(bodies)) {
      const { size } = await bucket.put(key, body)
      assert.equal(size, 6, key)
      assert.equal(await textOf(bucket, key), 'héllo', key)
    }
  }),

  withBucket('refuses a body that is nothing of the kind', async (bucket) => {
    for (const body of [7, null, {}, Readable.from([{ not: 'bytes' }])])
      await refused('invalid_argument', bucket.put('k', body as unknown as string))
    assert.equal(await bucket.head('k'), undefined)
  }),

  withBucket('stores nothing of a body that fails midway, and rejects with its error', async (bucket) => {
    const boom = new Error('the source broke')
    const failing = () => Readable.from(breaking(pattern(300_000, 1), boom))
    await bucket.put('there', 'before')
    for (const key of ['absent', 'there']) {
      const error = await refused('canceled', bucket.put(key, failing()))
      assert.equal(error.cause, boom)
    }
    assert.equal(await bucket.head('absent'), undefined)
    assert.equal(await textOf(bucket, 'there'), 'before')
    const { bytes } = await bucket.stats()
    assert.equal(bytes, 6)
  }),

  withBucket('rejects at once a body that is destroyed, failed or read already', async (bucket) => {
    const destroyed = Readable.from(['x']).destroy()
    const failed = Readable.from(['x']).destroy(new Error('gone'))
    failed.on('error', () => {})
    const read = Readable.from(['x'])
    await read.toArray()
    await until('they are closed', () => destroyed.closed && failed.closed && read.closed)
    const premature = new Readable({ read() {} })
    const putting = bucket.put('k', premature)
    setImmediate(() => premature.destroy())
    await refused('invalid_argument', bucket.put('k', destroyed))
    await assert.rejects(bucket.put('k', failed), /gone/)
    await refused('invalid_argument', bucket.put('k', read))
    await assert.rejects(putting)
    assert.equal(await bucket.head('k'), undefined)
  }),

  {
    name: 'refuses a body above the limit while reading it, announced or not, and stores nothing',
    async run(harness) {
      await using bucket = await harness.open({ maxBytes: 1000 })
      await bucket.put('fits', Buffer.alloc(1000))
      await refused('exhausted', bucket.put('k', Buffer.alloc(1001)))
      await refused('exhausted', bucket.put('k', 'x', { size: 1001 }))
      let taken = 0
      const endless = (async function* () {
        for (;;) {
          taken++
          yield Buffer.alloc(500)
        }
      })()
      await refused('exhausted', bucket.put('k', endless))
      assert.ok(taken < 1000, 'it was read on and on')
      assert.equal(await bucket.head('k'), undefined)
    },
  },

  withBucket('stores nothing when it is canceled, before and midway', async (bucket) => {
    await refused('canceled', bucket.put('k', 'x', { signal: AbortSignal.abort() }))
    const gate = new AbortController()
    const waiting = new Readable({ read() {} })
    waiting.push(Buffer.alloc(100_000))
    const putting = bucket.put('k', waiting, { signal: gate.signal })
    await until('it is being read', () => waiting.readableLength === 0)
    gate.abort()
    await refused('canceled', putting)
    assert.equal(waiting.destroyed, true)
    assert.equal(await bucket.head('k'), undefined)
  }),

  {
    name: 'gives up a body that stands still on its way in, and stores nothing',
    async run(harness) {
      await using bucket = await harness.open({ idleMs: 60 })
      const stalled = new Readable({ read() {} })
      stalled.push('some')
      await refused('timeout', bucket.put('k', stalled))
      assert.equal(stalled.destroyed, true)
      assert.equal(await bucket.head('k'), undefined)
    },
  },

  {
    name: 'closes a body that nobody reads, and says so to a late reader',
    async run(harness) {
      await using bucket = await harness.open({ idleMs: 60 })
      await bucket.put('k', pattern(400_000, 1))
      const dropped = (await bucket.get('k'))!
      await until('it is closed', () => dropped.body.closed)
      await refused('timeout', dropped.text())
    },
  },

  withBucket('goes on after sixty bodies were dropped unread', async (bucket) => {
    await bucket.put('k', pattern(400_000, 1))
    const dropped = await Promise.all(Array.from({ length: 60 }, () => bucket.get('k')))
    for (const each of dropped) assert.equal(each!.size, 400_000)
    assert.equal((await (await bucket.get('k'))!.bytes()).length, 400_000)
    assert.ok(dropped.every((each) => !each!.body.destroyed))
  }),

  withBucket('ends open bodies when it closes', async (bucket) => {
    await bucket.put('k', pattern(400_000, 1))
    const open = (await bucket.get('k'))!
    await bucket.close()
    await refused('closed', open.text())
  }),
]

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

async function* breaking(bytes: Buffer, error: Error): AsyncGenerator<Buffer> {
  yield bytes
  throw error
}
