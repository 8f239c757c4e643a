import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { S3Access } from '../driver.ts'
import { linkTo } from './links.ts'
import { dateText, scopeText, sha256, signature, type Pair } from './sigv4.ts'
import { verify } from './verify.ts'

const access: S3Access = {
  endpoint: 'http://127.0.0.1:8080/s3',
  bucket: 'photos',
  region: 'us-east-1',
  accessKeyId: 'ASHLARTEST',
  secretAccessKey: 'secret',
}
const now = Date.UTC(2026, 0, 2, 3, 4, 5)

function request(
  more: { at?: number; path?: string; query?: string; headers?: Pair[]; unsigned?: Pair[]; service?: string } = {},
): Request {
  const { at = now, path = '/s3/photos/k', query = '', headers = [], unsigned = [] } = more
  const scope = { date: dateText(at), region: 'eu-north-1', service: more.service ?? 's3' }
  const payloadHash = sha256('')
  const signed: Pair[] = [
    ['host', '127.0.0.1:8080'],
    ['x-amz-date', scope.date],
    ['x-amz-content-sha256', payloadHash],
    ...headers,
  ]
  const pairs =
    query === '' ? [] : query.split('&').map((each) => each.split('=').map(decodeURIComponent) as unknown as Pair)
  const found = signature(access.secretAccessKey, scope, {
    method: 'GET',
    path,
    query: pairs,
    headers: signed,
    payloadHash,
  })
  const names = signed
    .map(([name]) => name)
    .toSorted()
    .join(';')
  const authorization = `AWS4-HMAC-SHA256 Credential=${access.accessKeyId}/${scopeText(scope)}, SignedHeaders=${names}, Signature=${found}`
  const all = [...signed, ...unsigned, ['authorization', authorization]] as [string, string][]
  return new Request(`http://127.0.0.1:8080${path}${query && '?' + query}`, { headers: all })
}

test('accepts a signed header of any region', () => {
  const verified = verify(request({ query: 'list-type=2&prefix=a%2Bb%20c' }), access, now)
  assert.equal(verified.path, '/s3/photos/k')
  assert.deepEqual(
    [...verified.query],
    [
      ['list-type', '2'],
      ['prefix', 'a+b c'],
    ],
  )
})

test('refuses a request 15 minutes off, either way', () => {
  for (const at of [now - 15 * 60_000, now + 15 * 60_000]) verify(request({ at }), access, now)
  for (const at of [now - 16 * 60_000, now + 16 * 60_000])
    assert.throws(() => verify(request({ at }), access, now), { code: 'RequestTimeTooSkewed' })
})

test('refuses an x-amz header that is not signed', () => {
  assert.throws(() => verify(request({ unsigned: [['x-amz-meta-a', 'b']] }), access, now), { code: 'AccessDenied' })
  verify(request({ headers: [['x-amz-meta-a', 'b']], unsigned: [['x-other', 'b']] }), access, now)
})

test('refuses what was changed after signing', () => {
  const good = request({ headers: [['range', 'bytes=0-1']] })
  const changed = (url: string, headers: Record<string, string>) => {
    const all = new Headers(good.headers)
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    return () => verify(new Request(url, { headers: all }), access, now)
  }
  verify(good, access, now)
  assert.throws(changed(good.url + '2', {}), { code: 'SignatureDoesNotMatch' })
  assert.throws(changed(good.url + '?acl', {}), { code: 'SignatureDoesNotMatch' })
  assert.throws(changed(good.url, { range: 'bytes=0-2' }), { code: 'SignatureDoesNotMatch' })
  assert.throws(changed(good.url, { host: 'other' }), { code: 'SignatureDoesNotMatch' })
  assert.throws(changed(good.url, { authorization: 'Basic eDp5' }), { code: 'AuthorizationHeaderMalformed' })
})

test('refuses a credential of another service or day, and a parameter given twice', () => {
  assert.throws(() => verify(request({ service: 'ec2' }), access, now), { code: 'AuthorizationHeaderMalformed' })
  const good = request()
  const headers = new Headers(good.headers)
  headers.set('x-amz-date', dateText(now - 24 * 3_600_000))
  assert.throws(() => verify(new Request(good.url, { headers }), access, now), { code: 'AuthorizationHeaderMalformed' })
  assert.throws(() => verify(request({ query: 'a=1&a=2' }), access, now), { code: 'InvalidArgument' })
  assert.throws(() => verify(new Request('http://127.0.0.1:8080/s3/photos/%ff'), access, now), { code: 'AccessDenied' })
  assert.throws(() => verify(new Request('http://127.0.0.1:8080/s3/photos/k?a=%ff'), access, now), {
    code: 'InvalidURI',
  })
})

test('refuses to be signed twice', () => {
  const { url } = linkTo('k', access, { method: 'GET', expiresMs: 60_000 }, now)
  verify(new Request(url), access, now)
  const headers = { authorization: request().headers.get('authorization')! }
  assert.throws(() => verify(new Request(url, { headers }), access, now), { code: 'InvalidArgument' })
})

test('a link is good to the second, and not longer', () => {
  const { url, expiresAt } = linkTo('k', access, { method: 'GET', expiresMs: 60_999 }, now + 400)
  assert.equal(expiresAt.getTime(), now + 60_000)
  verify(new Request(url), access, expiresAt.getTime() - 1)
  assert.throws(() => verify(new Request(url), access, expiresAt.getTime()), {
    code: 'AccessDenied',
    message: 'Request has expired',
  })
})

test('a link carries what it may write as parameters that cannot be changed', () => {
  const { url } = linkTo('k', access, { method: 'PUT', expiresMs: 60_000, maxBytes: 10 }, now)
  const put = (to: string) => verify(new Request(to, { method: 'PUT' }), access, now)
  assert.equal(put(url).query.get('x-ashlar-max-bytes'), '10')
  assert.throws(() => put(url.replace('max-bytes=10', 'max-bytes=11')), { code: 'SignatureDoesNotMatch' })
  assert.throws(() => put(url.replace('x-ashlar-max-bytes=10&', '')), { code: 'SignatureDoesNotMatch' })
})
