import assert from 'node:assert/strict'
import { allKeys, refused, textOf, withBucket, type BucketCase } from './ask.ts'
import { oddKeys } from './objects.ts'

/** From public bug reports (B11): names that broke headers. */
const names = [
  '☂ Plan — "é".csv',
  'plain name.txt',
  "it's 100%;\\weird*.txt".replace('\\', ''),
  '報告書.pdf',
  'a=b; filename=c.txt',
]

export const linkCases: readonly BucketCase[] = [
  withBucket('lets a client upload and download by link, whatever the key', async (bucket, { fetch }) => {
    for (const [at, key] of oddKeys.entries()) {
      const up = await bucket.uploadLink(key)
      const put = await fetch(up.url, { method: 'PUT', headers: up.headers, body: `value ${at}` })
      assert.equal(put.status, 200, `${JSON.stringify(key)}: ${await put.text()}`)
    }
    const keys = await allKeys(bucket)
    assert.deepEqual(new Set(keys), new Set(oddKeys))
    for (const key of keys) {
      const got = await fetch((await bucket.downloadLink(key)).url)
      assert.equal(await got.text(), `value ${oddKeys.indexOf(key)}`, JSON.stringify(key))
    }
  }),

  withBucket('binds a link to its key, its method and its type', async (bucket, { fetch }) => {
    await bucket.put('mine', 'secret')
    await bucket.put('other', 'secret')
    const down = (await bucket.downloadLink('mine')).url
    assert.equal((await fetch(down.replace('/mine', '/other'))).status, 403)
    assert.equal((await fetch(down, { method: 'PUT', body: 'x' })).status, 403)
    assert.equal((await fetch(down.slice(0, -2) + (down.endsWith('00') ? '11' : '00'))).status, 403)
    const up = await bucket.uploadLink('mine', { contentType: 'image/png' })
    assert.equal((await fetch(up.url)).status, 403)
    const typed = await fetch(up.url, { method: 'PUT', headers: { 'content-type': 'text/html' }, body: 'x' })
    assert.equal(typed.status, 403)
    assert.equal(await textOf(bucket, 'mine'), 'secret')
    assert.equal((await fetch(up.url, { method: 'PUT', headers: up.headers, body: 'x' })).status, 200)
    assert.equal((await bucket.head('mine'))?.contentType, 'image/png')
  }),

  withBucket('refuses a link after it ran out, and says truly when that is', async (bucket, { fetch }) => {
    await bucket.put('k', 'x')
    const before = Date.now()
    const { url, expiresAt } = await bucket.downloadLink('k', { expires: '1s' })
    assert.ok(expiresAt.getTime() <= Date.now() + 1000 && expiresAt.getTime() > before - 1000)
    while (Date.now() <= expiresAt.getTime()) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal((await fetch(url)).status, 403)
    for (const expires of ['999ms', '8d', 0] as const) {
      await refused('invalid_argument', bucket.downloadLink('k', { expires }))
      await refused('invalid_argument', bucket.uploadLink('k', { expires }))
    }
    const longest = await bucket.uploadLink('k', { expires: '7d' })
    assert.ok(longest.expiresAt.getTime() <= Date.now() + 7 * 24 * 3_600_000)
  }),

  withBucket('signs no checksum of a body that nobody knows yet', async (bucket, { fetch }) => {
    const { url, headers } = await bucket.uploadLink('k')
    assert.doesNotMatch(url + JSON.stringify(headers), /checksum|md5/i)
    assert.equal((await fetch(url, { method: 'PUT', headers, body: '12345' })).status, 200)
    assert.equal(await textOf(bucket, 'k'), '12345')
  }),

  withBucket(
    'enforces the size that an upload link allows, announced or not',
    async (bucket, { fetch }) => {
      const { url, headers } = await bucket.uploadLink('k', { maxBytes: 10 })
      const put = (body: string | ReadableStream) => fetch(url, { method: 'PUT', headers, body, duplex: 'half' })
      assert.equal((await put('12345678901')).status, 400)
      assert.equal((await put(new Blob(['123456', '78901']).stream())).status, 400)
      assert.equal(
        (await fetch(url.replace(/max-bytes=10/i, 'max-bytes=99'), { method: 'PUT', headers, body: '12345678901' }))
          .status,
        403,
      )
      assert.equal(await bucket.head('k'), undefined)
      assert.equal((await put('1234567890')).status, 200)
      await refused('invalid_argument', bucket.uploadLink('k', { maxBytes: '10tb' as never }))
    },
    'limits',
  ),

  {
    name: 'refuses to promise a limit on a link that the engine cannot keep',
    async run(harness) {
      await using bucket = await harness.open()
      const driver = await harness.driver()
      const { limits } = driver.capabilities
      await driver.close()
      if (!limits) await refused('unsupported', bucket.uploadLink('k', { maxBytes: 10 }))
    },
  },

  withBucket('saves under the very name that was asked for', async (bucket, { fetch }) => {
    await bucket.put('k', 'x', { contentType: 'text/csv' })
    for (const downloadAs of names) {
      const { url } = await bucket.downloadLink('k', { downloadAs })
      const got = await fetch(url)
      assert.equal(got.status, 200)
      await got.text()
      assert.equal(savedAs(got.headers.get('content-disposition')!), downloadAs)
    }
    for (const downloadAs of ['a\r\nset-cookie: x', 'a\nb', 'a/b', '', 'x'.repeat(256), 'half \ud800'])
      await refused('invalid_argument', bucket.downloadLink('k', { downloadAs }))
  }),

  withBucket(
    'never lets a browser run what strangers uploaded',
    async (bucket, { fetch }) => {
      const types = [
        'text/html',
        'image/svg+xml',
        'application/xhtml+xml',
        'text/xml',
        'text/javascript',
        'TEXT/HTML; charset=x',
        'x/unknown',
      ]
      for (const contentType of types) {
        await bucket.put('k', '<script>alert(1)</script>', { contentType })
        const got = await fetch((await bucket.downloadLink('k')).url)
        await got.text()
        assert.match(got.headers.get('content-disposition') ?? '', /^attachment/, contentType)
        assert.equal(got.headers.get('x-content-type-options'), 'nosniff')
      }
      await bucket.put('k', 'fine', { contentType: 'image/png' })
      const got = await fetch((await bucket.downloadLink('k')).url)
      await got.text()
      assert.equal(got.headers.get('content-disposition'), null)
    },
    'serves',
  ),
]

/** What a browser saves as: `filename*` (RFC 8187) before `filename`. */
function savedAs(header: string): string {
  const exact = /; filename\*=UTF-8''([!#$&+.^_`|~0-9A-Za-z%-]+)$/.exec(header)
  if (exact) return decodeURIComponent(exact[1]!)
  return /^attachment; filename="([^"\\]*)"$/.exec(header)![1]!
}
