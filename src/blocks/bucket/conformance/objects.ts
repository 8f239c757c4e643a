import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { isAshlarError } from '../../../errors.ts'
import type { Bucket } from '../bucket.ts'
import { allKeys, pattern, refused, textOf, withBucket, type BucketCase } from './ask.ts'

/** From public bug reports (B6): each has been taken for another, or refused, by some server. */
export const oddKeys = [
  'f',
  'f/g',
  'f/',
  'a+b',
  'a b',
  'a%20b',
  'a%2Bb',
  'k=v',
  'k&v;w',
  '報告書.pdf',
  'é',
  'e\u0301',
  'x//y',
  '/x',
  'x/../y',
  'x/./y',
  '..',
  '.',
  '../..',
  '%2e%2e',
  'a\\b',
  'q?x=1#y',
  "it's (1)!*~",
  'A',
  'a',
  'line\nbreak\tand\u0001',
  '<&">',
  '😀',
  '\uff5e',
  'con',
  ' ',
  'n'.repeat(1024),
]

export const objectCases: readonly BucketCase[] = [
  withBucket('gives back bytes, type, metadata, size and etag', async (bucket) => {
    const metadata = { owner: 'ada', note: 'grün, 報告' }
    const put = await bucket.put('sun.jpg', 'bright', { contentType: 'image/jpeg', metadata })
    const got = await bucket.get('sun.jpg')
    assert.equal(await got!.text(), 'bright')
    for (const info of [put, got!, (await bucket.head('sun.jpg'))!]) {
      assert.equal(info.key, 'sun.jpg')
      assert.equal(info.size, 6)
      assert.equal(info.contentType, 'image/jpeg')
      assert.deepEqual({ ...info.metadata }, metadata)
      assert.equal(info.etag, put.etag)
      assert.match(info.etag, /^"[^"]+"$/)
      assert.ok(Math.abs(info.modifiedAt.getTime() - Date.now()) < 60_000)
    }
  }),

  withBucket('keeps an empty object', async (bucket) => {
    await bucket.put('empty', '')
    assert.equal((await bucket.head('empty'))?.size, 0)
    assert.equal(await textOf(bucket, 'empty'), '')
  }),

  withBucket('answers undefined for what is not there, and deletes it without complaint', async (bucket) => {
    assert.equal(await bucket.get('nothing'), undefined)
    assert.equal(await bucket.head('nothing'), undefined)
    await bucket.put('kept', '1')
    await bucket.delete([...Array.from({ length: 1500 }, (_, at) => `nothing-${at}`), 'nothing'])
    await bucket.delete([])
    assert.deepEqual(await allKeys(bucket), ['kept'])
  }),

  withBucket('deletes one key or many', async (bucket) => {
    for (const key of ['a', 'b', 'c', 'd']) await bucket.put(key, key)
    await bucket.delete('a')
    await bucket.delete(['b', 'd'])
    assert.deepEqual(await allKeys(bucket), ['c'])
    assert.equal(await bucket.get('b'), undefined)
  }),

  withBucket('shows a write to every other handle at once', async (bucket, harness) => {
    await using other = await harness.open()
    await bucket.put('k', 'one')
    assert.equal(await textOf(other, 'k'), 'one')
    await other.delete('k')
    assert.equal(await bucket.head('k'), undefined)
  }),

  withBucket('lets the last writer win, with another etag', async (bucket) => {
    const first = await bucket.put('k', 'one', { metadata: { v: '1' } })
    const second = await bucket.put('k', 'two')
    assert.notEqual(second.etag, first.etag)
    assert.equal(await textOf(bucket, 'k'), 'two')
    assert.deepEqual({ ...(await bucket.head('k'))!.metadata }, {})
  }),

  withBucket('puts under a free key for one of many at once (ifNoneMatch)', async (bucket, harness) => {
    await using other = await harness.open()
    const won = await winners(
      [bucket, other],
      (each, at) => each.put('k', `racer ${at}`, { ifNoneMatch: '*' }),
      'already_exists',
    )
    assert.equal(won.length, 1)
    assert.equal(await textOf(bucket, 'k'), `racer ${won[0]}`)
    await refused('already_exists', bucket.put('k', 'late', { ifNoneMatch: '*' }))
  }),

  withBucket('replaces a version for one of many at once (ifMatch)', async (bucket, harness) => {
    await using other = await harness.open()
    const { etag } = await bucket.put('k', 'base')
    const won = await winners(
      [bucket, other],
      (each, at) => each.put('k', `racer ${at}`, { ifMatch: etag }),
      'conflict',
    )
    assert.equal(won.length, 1)
    assert.equal(await textOf(bucket, 'k'), `racer ${won[0]}`)
    await refused('conflict', bucket.put('k', 'late', { ifMatch: etag }))
    await refused('conflict', bucket.put('absent', 'late', { ifMatch: etag }))
    assert.equal(await bucket.head('absent'), undefined)
  }),

  withBucket('keeps odd keys apart and as they are', async (bucket) => {
    await Promise.all(oddKeys.map((key, at) => bucket.put(key, `value ${at}`)))
    const byBytes = oddKeys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    assert.deepEqual(await allKeys(bucket), byBytes)
    for (const [at, key] of oddKeys.entries()) {
      assert.equal(await textOf(bucket, key), `value ${at}`, JSON.stringify(key))
      assert.equal((await bucket.head(key))?.key, key)
    }
  }),

  withBucket('refuses a key that has no UTF-8 form, none, or more than 1024 bytes', async (bucket) => {
    for (const key of ['', 'half \ud800', 'n'.repeat(1025), '報'.repeat(342)]) {
      const error = await refused('invalid_argument', bucket.put(key, 'x'))
      assert.match(error.message, /key/)
      await refused('invalid_argument', bucket.get(key))
      await refused('invalid_argument', bucket.delete(['fine', key]))
    }
    await refused('invalid_argument', bucket.put(7 as unknown as string, 'x'))
    assert.deepEqual(await allKeys(bucket), [])
  }),

  withBucket('reads the range that was asked for, by RFC 9110', async (bucket) => {
    await bucket.put('k', '0123456789')
    for (const [range, text, start] of [
      ['bytes=0-3', '0123', 0],
      ['bytes=4-', '456789', 4],
      ['bytes=-3', '789', 7],
      ['bytes=-50', '0123456789', 0],
      ['bytes=8-50', '89', 8],
      ['BYTES=5-5', '5', 5],
    ] as const) {
      const got = (await bucket.get('k', { range }))!
      assert.deepEqual(got.range, { start, end: start + text.length - 1 }, range)
      assert.equal(got.size, 10)
      assert.equal(await got.text(), text, range)
    }
  }),

  withBucket('refuses a range that cannot be met, and gives a suffix of nothing as nothing', async (bucket) => {
    await bucket.put('empty', '')
    await bucket.put('three', 'abc')
    const suffix = (await bucket.get('empty', { range: 'bytes=-5' }))!
    assert.equal(suffix.range, undefined)
    assert.equal(await suffix.text(), '')
    await refused('invalid_argument', bucket.get('empty', { range: 'bytes=0-' }))
    for (const range of [
      'bytes=-0',
      'bytes=3-',
      'bytes=2-1',
      'bytes=-',
      'bytes=a-b',
      'lines=1-2',
      'bytes=0-0,2-2',
      '0-1',
      '',
    ])
      await refused('invalid_argument', bucket.get('three', { range }))
    assert.equal(await bucket.get('nothing', { range: 'bytes=0-1' }), undefined)
  }),

  withBucket(
    'lets a reader finish the version it began, though that is replaced and deleted meanwhile',
    async (bucket, harness) => {
      await using other = await harness.open()
      const versions = [pattern(1_500_000, 1), pattern(1_500_000, 2)]
      await bucket.put('k', versions[0]!)
      const first = (await bucket.get('k'))!
      const reading = first.body[Symbol.asyncIterator]()
      const chunks: Buffer[] = [(await reading.next()).value as Buffer]
      await other.put('k', versions[1]!)
      const second = (await bucket.get('k'))!
      await other.delete('k')
      for (let next = await reading.next(); !next.done; next = await reading.next()) chunks.push(next.value as Buffer)
      assert.ok(Buffer.concat(chunks).equals(versions[0]!))
      assert.ok(Buffer.from(await second.bytes()).equals(versions[1]!))
      assert.equal(await bucket.head('k'), undefined)
    },
  ),

  withBucket('never shows a mix of two versions', async (bucket, harness) => {
    await using other = await harness.open()
    const versions = [1, 2, 3].map((seed) => pattern(100_000 + seed, seed))
    await bucket.put('k', versions[0]!)
    const writing = (async () => {
      for (let round = 0; round < 12; round++) await other.put('k', versions[round % 3]!)
    })()
    for (let round = 0; round < 12; round++) {
      const got = (await bucket.get('k'))!
      const bytes = Buffer.from(await got.bytes())
      assert.ok(
        versions.some((each) => each.equals(bytes)),
        'a read gave bytes that nobody wrote',
      )
      assert.equal(got.size, bytes.length)
    }
    await writing
  }),

  withBucket('refuses a body whose length or SHA-256 is not the announced one', async (bucket) => {
    const sha256 = createHash('sha256').update('right').digest('base64')
    await refused('invalid_argument', bucket.put('k', 'wrong', { sha256 }))
    await refused('invalid_argument', bucket.put('k', 'long', { size: 3 }))
    await refused('invalid_argument', bucket.put('k', 'short', { size: 6 }))
    assert.equal(await bucket.head('k'), undefined)
    await bucket.put('k', 'right', { sha256, size: 5 })
    assert.equal(await textOf(bucket, 'k'), 'right')
  }),

  withBucket('counts what it holds', async (bucket) => {
    await bucket.put('a', '12345')
    await bucket.put('b', '1')
    await bucket.put('a', '123')
    await bucket.delete('b')
    assert.deepEqual(await bucket.stats(), { objects: 1, bytes: 3 })
    assert.deepEqual(await bucket.health(), { ok: true })
  }),

  withBucket('refuses work after it was closed, and closes twice without harm', async (bucket) => {
    await bucket.put('k', '1')
    await bucket.close()
    await bucket.close()
    await refused('closed', bucket.put('k', '2'))
    await refused('closed', bucket.get('k'))
    assert.equal((await bucket.health()).ok, false)
  }),
]

async function winners(
  buckets: readonly Bucket[],
  attempt: (bucket: Bucket, at: number) => Promise<unknown>,
  loses: 'already_exists' | 'conflict',
): Promise<number[]> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, at) => attempt(buckets[at % buckets.length]!, at)),
  )
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.ok(isAshlarError(outcome.reason, loses), String(outcome.reason))
  }
  return outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
}
