import assert from 'node:assert/strict'
import { test } from 'node:test'
import { app } from '../blocks/app/index.ts'
import { bucket } from '../blocks/bucket/index.ts'
import { discovery } from '../blocks/discovery/index.ts'
import { blueprint } from '../blueprint/blueprint.ts'
import { testing } from '../testing.ts'
import { edge } from './index.ts'
import type { RouteCache } from './config.ts'

function serve(cache?: RouteCache) {
  const shop = blueprint('shop', {
    photos: bucket(),
    web: app(async () => ({ default: { fetch: () => new Response('') } })),
    registry: discovery(),
    front: edge({
      listen: 0,
      routes: [
        { path: '/img/*', to: 'photos', ...(cache ? { cache } : {}) },
        { path: '/*', to: 'web' },
      ],
    }),
  })
  return testing(shop, { env: { PHOTOS_URL: 'memory:' } })
}

test('serves an object under its route, whole, in part and conditionally', async () => {
  await using shop = await serve()
  await shop.blocks.photos.put('a/b c.webp', 'hello', { contentType: 'image/webp' })
  const whole = await shop.fetch('/img/a/b%20c.webp')
  assert.deepEqual(
    [await whole.text(), whole.headers.get('content-type'), whole.headers.get('content-length')],
    ['hello', 'image/webp', '5'],
  )
  const part = await shop.fetch('/img/a/b%20c.webp', { headers: { range: 'bytes=1-3' } })
  assert.deepEqual([part.status, await part.text(), part.headers.get('content-range')], [206, 'ell', 'bytes 1-3/5'])
  assert.equal(
    (await shop.fetch('/img/a/b%20c.webp', { headers: { 'if-none-match': whole.headers.get('etag')! } })).status,
    304,
  )
  assert.equal((await shop.fetch('/img/nothing')).status, 404)
  assert.equal((await shop.fetch('/img/a', { method: 'POST' })).status, 405)
})

test('a range beyond the end is 416 with the size; several ranges or nonsense give the whole', async () => {
  await using shop = await serve()
  await shop.blocks.photos.put('a', 'hello', { contentType: 'image/webp' })
  const ask = (range: string) => shop.fetch('/img/a', { headers: { range } })
  const beyond = await ask('bytes=9-')
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */5'])
  for (const range of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=x']) assert.deepEqual([(await ask(range)).status], [200])
})

test('what could run as part of the site is only ever saved', async () => {
  await using shop = await serve()
  for (const contentType of ['text/html', 'image/svg+xml', 'text/xsl', 'application/rss+xml']) {
    await shop.blocks.photos.put('x', '<script>', { contentType })
    const { headers } = await shop.fetch('/img/x')
    assert.deepEqual(
      [headers.get('content-disposition'), headers.get('x-content-type-options')],
      ['attachment', 'nosniff'],
      contentType,
    )
  }
})

test('an immutable object is answered from memory the second time, also after the bucket lost it', async () => {
  await using shop = await serve({ immutable: true })
  await shop.blocks.photos.put('v1', 'hello', { contentType: 'image/webp' })
  assert.match((await shop.fetch('/img/v1')).headers.get('cache-control')!, /immutable/)
  await shop.blocks.photos.delete('v1')
  const again = await shop.fetch('/img/v1')
  assert.deepEqual([await again.text(), again.headers.get('age')], ['hello', '0'])
})

test('an upload link goes through the edge straight into the bucket, without passing the app', async () => {
  await using shop = await serve()
  const { url, headers } = await shop.blocks.photos.uploadLink('dir/../odd name', {
    contentType: 'image/png',
    maxBytes: '1kb',
  })
  assert.ok(url.startsWith(`${shop.url}/s3/`))
  assert.equal((await fetch(url, { method: 'PUT', headers, body: 'png' })).status, 200)
  assert.equal((await shop.blocks.photos.head('dir/../odd name'))?.size, 3)
  assert.ok((await fetch(url, { method: 'PUT', headers, body: 'x'.repeat(2000) })).status >= 400)
  const forged = url.replace(/(?<=X-Amz-Signature=)\w/, (digit) => (digit === '0' ? '1' : '0'))
  assert.equal((await fetch(forged, { method: 'PUT', headers, body: 'png' })).status, 403)
})

test('an object is kept once, by whatever query it is asked for', async () => {
  await using shop = await serve({ immutable: true })
  await shop.blocks.photos.put('v1', 'hello', { contentType: 'image/webp' })
  for (let round = 0; round < 5; round++) await shop.fetch(`/img/v1?x=${round}`)
  assert.equal((await shop.blocks.front.stats()).cacheHits, 4)
})
