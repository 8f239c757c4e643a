import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientOf, requestId, siteOf } from './client.ts'

const socket = { remoteAddress: '10.0.0.9', localAddress: '10.0.0.1', localPort: 8080 }

function of(headers: Record<string, string>, hops: number) {
  return clientOf({ headers: { host: 'shop.test:81', ...headers }, socket }, hops)
}

test('the address is counted from the right, by as many hops as are trusted; what a client writes to the left counts for nothing', () => {
  const from = (forwarded: string, hops: number) => of({ 'x-forwarded-for': forwarded }, hops)?.address
  assert.equal(from('6.6.6.6, 1.2.3.4', 0), '10.0.0.9')
  assert.equal(from('6.6.6.6, 1.2.3.4', 1), '1.2.3.4')
  assert.equal(from('6.6.6.6, 1.2.3.4:5555, 10.1.1.1', 2), '1.2.3.4')
  assert.equal(from('[2001:db8::7]:99', 1), '2001:db8::7')
  assert.equal(from('::FFFF:1.2.3.4', 1), '1.2.3.4')
})

test('without trusted proxies nothing that a client says of itself is believed', () => {
  const claims = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.test' }
  assert.deepEqual(of(claims, 0), { address: '10.0.0.9', proto: 'http', host: 'shop.test:81' })
})

test('behind trusted proxies protocol and host are what the outermost of them saw', () => {
  const behind = (proto: string, hops: number) =>
    of({ 'x-forwarded-proto': proto, 'x-forwarded-host': 'www.test' }, hops)
  assert.deepEqual(behind('https', 1), { address: '10.0.0.9', proto: 'https', host: 'www.test' })
  assert.equal(behind('HTTPS', 3)?.proto, 'https')
  assert.equal(behind('https, http', 1)?.proto, 'http')
  assert.equal(behind('http, https, http', 2)?.proto, 'https')
  assert.equal(behind('ftp', 1)?.proto, 'http')
  assert.equal(of({}, 1)?.host, 'shop.test:81')
  assert.equal(of({ 'x-forwarded-host': 'a/b' }, 1), undefined)
})

test('without any host the edge names itself, since apps need one', () => {
  assert.equal(of({ host: '' }, 0)?.host, '10.0.0.1:8080')
})

test('routes know a site without port, case and root dot', () => {
  assert.deepEqual(['Shop.Test:81', 'shop.test.', '[::1]:80'].map(siteOf), ['shop.test', 'shop.test', '[::1]'])
})

test('a harmless request id is kept, any other replaced', () => {
  assert.equal(requestId('abc-12345'), 'abc-12345')
  for (const bad of [undefined, 'short', 'a\r\nb1234567', 'x'.repeat(200), ['a', 'b']])
    assert.match(requestId(bad), /^[0-9a-f-]{36}$/)
})
