import assert from 'node:assert/strict'
import type { Bucket } from '../bucket.ts'
import { allKeys, refused, withBucket, type BucketCase } from './ask.ts'

const tree = ['a', 'a/', 'a/1', 'a/2', 'a/b/3', 'a0', 'b', 'b/1', 'c/1', 'c/2', 'd', '\uff5e', '😀/x', '😀/y', '😁']

export const listCases: readonly BucketCase[] = [
  withBucket('lists in byte order, page by page, each key once', async (bucket) => {
    await fill(bucket)
    for (const limit of [1, 2, 7, 1000]) assert.deepEqual(await allKeys(bucket, limit), tree)
  }),

  withBucket('lists what starts with a prefix, and what comes after a key', async (bucket) => {
    await fill(bucket)
    assert.deepEqual(await allKeys(bucket, 2, 'a/'), ['a/', 'a/1', 'a/2', 'a/b/3'])
    assert.deepEqual(await allKeys(bucket, 2, '😀'), ['😀/x', '😀/y'])
    assert.deepEqual(await allKeys(bucket, 2, 'zzz'), [])
    const after = async (key: string, prefix = '') =>
      (await bucket.list({ after: key, prefix })).objects.map((each) => each.key)
    assert.deepEqual(await after('c/1'), ['c/2', 'd', '\uff5e', '😀/x', '😀/y', '😁'])
    assert.deepEqual(await after('a/15', 'a/'), ['a/2', 'a/b/3'])
    assert.deepEqual(await after('0', 'c/'), ['c/1', 'c/2'])
    assert.deepEqual(await after('z', 'c/'), [])
  }),

  withBucket('folds by a delimiter, each common prefix once over all pages', async (bucket) => {
    await fill(bucket)
    for (const limit of [1, 2, 3, 1000]) {
      const { keys, prefixes } = await folded(bucket, '', limit)
      assert.deepEqual(keys, ['a', 'a0', 'b', 'd', '\uff5e', '😁'])
      assert.deepEqual(prefixes, ['a/', 'b/', 'c/', '😀/'])
    }
    assert.deepEqual(await folded(bucket, 'a/', 1), { keys: ['a/', 'a/1', 'a/2'], prefixes: ['a/b/'] })
  }),

  withBucket('loses and repeats no key that is there all the while others come and go', async (bucket) => {
    await fill(bucket)
    const seen: string[] = []
    let after: string | undefined
    for (let page = 0; page < 30; page++) {
      const found = await bucket.list({ limit: 3, ...(after === undefined ? {} : { after }) })
      seen.push(...found.objects.map(({ key }) => key))
      await bucket.put(`a/0${page}`, 'x')
      await bucket.delete(`a/0${page - 1}`)
      after = found.next
      if (after === undefined) break
    }
    assert.deepEqual(
      seen.filter((key) => tree.includes(key)),
      tree,
    )
    assert.equal(new Set(seen).size, seen.length)
  }),

  withBucket('tells of each object in a list what head tells', async (bucket) => {
    await bucket.put('k', 'abc', { contentType: 'text/plain' })
    const [listed] = (await bucket.list()).objects
    const head = (await bucket.head('k'))!
    assert.deepEqual([listed?.key, listed?.size, listed?.etag], ['k', 3, head.etag])
  }),

  withBucket('refuses a page of no size, and a delimiter of no text', async (bucket) => {
    for (const limit of [0, 1001, 1.5, NaN]) await refused('invalid_argument', bucket.list({ limit }))
    await refused('invalid_argument', bucket.list({ delimiter: '' }))
    await refused('invalid_argument', bucket.list({ prefix: '\udc00' }))
  }),
]

async function fill(bucket: Bucket): Promise<void> {
  await Promise.all(tree.toReversed().map((key) => bucket.put(key, key)))
}

async function folded(bucket: Bucket, prefix: string, limit: number): Promise<{ keys: string[]; prefixes: string[] }> {
  const keys: string[] = []
  const prefixes: string[] = []
  let after: string | undefined
  for (let pages = 0; pages < 100; pages++) {
    const page = await bucket.list({ prefix, delimiter: '/', limit, ...(after === undefined ? {} : { after }) })
    assert.ok(page.objects.length + page.prefixes.length <= limit)
    keys.push(...page.objects.map(({ key }) => key))
    prefixes.push(...page.prefixes)
    if (page.next === undefined) return { keys, prefixes }
    after = page.next
  }
  throw new Error('the listing does not end')
}
