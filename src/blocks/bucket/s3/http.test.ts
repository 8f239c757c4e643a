import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { until } from '../../../conformance.ts'
import { oddKeys } from '../conformance/objects.ts'
import { serve } from './serve.fixture.ts'
import { dateText, hmac, scopeText, sha256, signature, signingKey, type Pair } from './sigv4.ts'

function filesIn(folder: string): Promise<string[]> {
  return readdir(folder, { recursive: true })
}

test('a link of ours serves every odd key through a real server', async () => {
  await using served = await serve()
  for (const key of oddKeys) {
    const { url, headers } = await served.photos.uploadLink(key)
    const answer = await fetch(url, { method: 'PUT', headers, body: key })
    assert.equal(answer.status, 200, `${JSON.stringify(key)} ${await answer.text()}`)
    assert.equal(await (await fetch((await served.photos.downloadLink(key)).url)).text(), key)
  }
  assert.equal((await served.photos.list()).objects.length, oddKeys.length)
})

test('a page of the site may upload from a browser, another origin may not', async () => {
  await using served = await serve()
  const { url } = await served.photos.uploadLink('k')
  const preflight = (origin: string) =>
    fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' },
    })
  const own = await preflight(served.origin)
  assert.equal(own.status, 204)
  assert.equal(own.headers.get('access-control-allow-origin'), served.origin)
  assert.match(own.headers.get('access-control-allow-methods')!, /PUT/)
  const put = await fetch(url, { method: 'PUT', body: 'x', headers: { origin: served.origin } })
  assert.equal(put.headers.get('access-control-allow-origin'), served.origin)
  assert.match(put.headers.get('access-control-expose-headers')!, /etag/)
  const other = await preflight('https://evil.example')
  assert.equal(other.status, 403)
  assert.equal(other.headers.get('access-control-allow-origin'), null)
})

test('nothing is served to who does not sign', async () => {
  await using served = await serve()
  await served.photos.put('k', 'x')
  for (const path of ['/s3/photos/k', '/s3/photos?list-type=2', '/s3/photos', '/s3/', '/s3/other/k']) {
    const answer = await fetch(served.origin + path)
    assert.equal(answer.status, 403, path)
    assert.match(await answer.text(), /<Code>AccessDenied<\/Code>/)
  }
  assert.equal((await fetch(`${served.origin}/s3/photos/k`, { method: 'DELETE' })).status, 403)
  assert.ok(await served.photos.head('k'))
})

test('an upload that breaks off leaves nothing', async () => {
  await using served = await serve()
  const { url } = await served.photos.uploadLink('k')
  const upload = request(url, { method: 'PUT', headers: { 'content-length': 10_000_000 } })
  upload.on('error', () => {})
  upload.write(Buffer.alloc(100_000))
  await until('the upload is under way', async () =>
    (await filesIn(served.folder)).some((name) => name.endsWith('.tmp')),
  )
  upload.destroy()
  await until(
    'the upload is cleaned away',
    async () => !(await filesIn(served.folder)).some((name) => name.endsWith('.tmp')),
  )
  assert.equal(await served.photos.head('k'), undefined)
})

test('an object above the limit of the bucket is refused by the endpoint', async () => {
  await using served = await serve(1000)
  const body = Readable.from([Buffer.alloc(600), Buffer.alloc(600)])
  const url = (await served.photos.uploadLink('k')).url
  const answer = await fetch(url, { method: 'PUT', body: Readable.toWeb(body) as never, duplex: 'half' })
  assert.match(await answer.text(), /EntityTooLarge/)
  assert.equal(await served.photos.head('k'), undefined)
})

test('an upload whose chunks are signed one by one is stored, and not when one was changed', async () => {
  await using served = await serve()
  const { accessKeyId, secretAccessKey } = served.photos.access()
  const scope = { date: dateText(Date.now()), region: 'us-east-1', service: 's3' }
  const payloadHash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  const headers: Pair[] = [
    ['content-encoding', 'aws-chunked'],
    ['host', new URL(served.origin).host],
    ['x-amz-content-sha256', payloadHash],
    ['x-amz-date', scope.date],
    ['x-amz-decoded-content-length', '11'],
  ]
  const send = async (key: string, pieces: string[], sent = pieces) => {
    const path = `/s3/photos/${key}`
    let previous = signature(secretAccessKey, scope, { method: 'PUT', path, query: [], headers, payloadHash })
    const names = headers.map(([name]) => name).join(';')
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${names}, Signature=${previous}`
    const chunks = [...pieces, ''].map((piece, at) => {
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', scope.date, scopeText(scope), previous, sha256(''), sha256(piece)].join(
        '\n',
      )
      previous = hmac(signingKey(secretAccessKey, scope), text).toString('hex')
      return `${piece.length.toString(16)};chunk-signature=${previous}\r\n${sent[at] ?? ''}\r\n`
    })
    const all = { ...Object.fromEntries(headers), authorization }
    return fetch(served.origin + path, { method: 'PUT', headers: all, body: chunks.join('') })
  }
  const good = await send('good', ['hello ', 'world'])
  assert.equal(good.status, 200, await good.text())
  const object = (await served.photos.get('good'))!
  assert.equal(await object.text(), 'hello world')
  const changed = await send('changed', ['hello ', 'world'], ['hello ', 'w0rld'])
  assert.match(await changed.text(), /SignatureDoesNotMatch/)
  assert.match(await (await send('short', ['hello'])).text(), /IncompleteBody/)
  assert.deepEqual(
    (await served.photos.list()).objects.map(({ key }) => key),
    ['good'],
  )
})
