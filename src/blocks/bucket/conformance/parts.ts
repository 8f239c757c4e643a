import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { allKeys, pattern, refused, withBucket, type BucketCase } from './ask.ts'

const partBytes = 5 * 1024 ** 2

export const partCases: readonly BucketCase[] = [
  withBucket('makes one object of the named parts, in order, when it is finished and not before', async (bucket) => {
    const [first, second, last] = [pattern(partBytes, 1), pattern(partBytes + 3, 2), Buffer.from('end')]
    const upload = await bucket.multipart.start('k', { contentType: 'video/mp4', metadata: { a: '1' } })
    const parts = [
      await bucket.multipart.part('k', upload, 1, first),
      await bucket.multipart.part('k', upload, 3, second),
      await bucket.multipart.part('k', upload, 7, last),
    ]
    await bucket.multipart.part('k', upload, 5, 'never named')
    assert.deepEqual(await allKeys(bucket), [])
    const info = await bucket.multipart.finish('k', upload, parts)
    assert.equal(info.size, 2 * partBytes + 6)
    assert.equal(info.contentType, 'video/mp4')
    const got = (await bucket.get('k'))!
    assert.equal(got.etag, info.etag)
    assert.deepEqual({ ...got.metadata }, { a: '1' })
    assert.ok(Buffer.from(await got.bytes()).equals(Buffer.concat([first, second, last])))
  }),

  withBucket('takes the last one of parts with the same number', async (bucket) => {
    const upload = await bucket.multipart.start('k')
    const old = await bucket.multipart.part('k', upload, 1, 'old')
    const part = await bucket.multipart.part('k', upload, 1, 'new')
    await refused('invalid_argument', bucket.multipart.finish('k', upload, [old]))
    await bucket.multipart.finish('k', upload, [part])
    assert.equal(await (await bucket.get('k'))!.text(), 'new')
  }),

  withBucket('answers the same when it is finished again', async (bucket) => {
    const upload = await bucket.multipart.start('k')
    const parts = [await bucket.multipart.part('k', upload, 1, 'only')]
    const first = await bucket.multipart.finish('k', upload, parts)
    await bucket.put('k', 'newer')
    assert.equal((await bucket.multipart.finish('k', upload, parts)).etag, first.etag)
    assert.equal(await (await bucket.get('k'))!.text(), 'newer')
  }),

  withBucket('drops everything when it is aborted, and knows it no more', async (bucket) => {
    const upload = await bucket.multipart.start('k')
    const part = await bucket.multipart.part('k', upload, 1, 'gone')
    await bucket.multipart.abort('k', upload)
    await bucket.multipart.abort('k', upload)
    await refused('not_found', bucket.multipart.part('k', upload, 2, 'late'))
    await refused('not_found', bucket.multipart.finish('k', upload, [part]))
    assert.deepEqual(await bucket.stats(), { objects: 0, bytes: 0 })
  }),

  withBucket('refuses parts that are unknown, out of order, of another key, or too small', async (bucket) => {
    const upload = await bucket.multipart.start('k')
    const parts = [
      await bucket.multipart.part('k', upload, 1, 'small'),
      await bucket.multipart.part('k', upload, 2, 'b'),
    ]
    await refused('invalid_argument', bucket.multipart.finish('k', upload, parts))
    await refused('invalid_argument', bucket.multipart.finish('k', upload, parts.toReversed()))
    await refused('invalid_argument', bucket.multipart.finish('k', upload, [{ ...parts[0]!, number: 9 }]))
    await refused('invalid_argument', bucket.multipart.finish('k', upload, []))
    await refused('not_found', bucket.multipart.part('other', upload, 1, 'x'))
    await refused('not_found', bucket.multipart.finish('other', upload, parts))
    for (const number of [0, 10_001, 1.5])
      await refused('invalid_argument', bucket.multipart.part('k', upload, number, 'x'))
    assert.equal(await bucket.head('k'), undefined)
  }),

  withBucket('stores nothing of a part that fails midway', async (bucket) => {
    const upload = await bucket.multipart.start('k')
    const kept = await bucket.multipart.part('k', upload, 1, 'kept')
    const failing = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000)
        throw new Error('broke')
      })(),
    )
    await refused('canceled', bucket.multipart.part('k', upload, 1, failing))
    await bucket.multipart.finish('k', upload, [kept])
    assert.equal(await (await bucket.get('k'))!.text(), 'kept')
  }),

  {
    name: 'refuses parts that are above the limit, one alone or all together',
    async run(harness) {
      await using bucket = await harness.open({ maxBytes: partBytes + 10 })
      const upload = await bucket.multipart.start('k')
      await refused('exhausted', bucket.multipart.part('k', upload, 1, Buffer.alloc(partBytes + 11)))
      const parts = [
        await bucket.multipart.part('k', upload, 1, Buffer.alloc(partBytes)),
        await bucket.multipart.part('k', upload, 2, Buffer.alloc(11)),
      ]
      await refused(
        'exhausted',
        bucket.multipart.finish(
          'k',
          upload,
          parts.map((part) => ({ ...part, size: 1 })),
        ),
      )
      assert.equal(await bucket.head('k'), undefined)
    },
  },
]
