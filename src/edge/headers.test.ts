import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { endToEnd, requestHeaders } from './headers.ts'
import { clientAddress, requestId } from './client.ts'

function incoming(raw: string[]): IncomingMessage {
  const headers: Record<string, string> = {}
  for (let index = 0; index < raw.length; index += 2) headers[raw[index]!.toLowerCase()] = raw[index + 1]!
  return { rawHeaders: raw, headers, socket: { remoteAddress: '10.0.0.9' } } as unknown as IncomingMessage
}

const forwarding = {
  clientAddress: '10.0.0.9',
  proto: 'http' as const,
  host: 'shop.test',
  requestId: 'r-12345678',
  subject: 'ada',
}

test('hop-by-hop fields and those that Connection names end here', () => {
  const raw = ['Connection', 'close, X-Secret', 'Keep-Alive', '5', 'TE', 'gzip', 'X-Secret', '1', 'Accept', '*/*']
  assert.deepEqual(endToEnd(raw, 'close, X-Secret'), ['Accept', '*/*'])
})

test('repeated fields stay repeated, in order', () => {
  const raw = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Set-Cookie', 'c=3']
  assert.deepEqual(endToEnd(raw, undefined), raw)
})

test('whatever a client claims to be known as is dropped, however it is spelt', () => {
  const claims = [
    'X-Forwarded-For',
    'X_Forwarded_Host',
    'x-forwarded-tls-client-cert',
    'X-Ashlar-Subject',
    'x_ashlar_subject',
    'Forwarded',
    'X-Real-IP',
  ]
  const sent = requestHeaders(incoming(claims.flatMap((name) => [name, 'evil'])), forwarding)
  assert.ok(!sent.includes('evil'))
  assert.equal(sent[sent.indexOf('X-Ashlar-Subject') + 1], 'ada')
})

test('the address is counted from the right, by as many hops as are trusted; what a client writes to the left counts for nothing', () => {
  const from = (forwarded: string, hops: number) => clientAddress(incoming(['X-Forwarded-For', forwarded]), hops)
  assert.equal(from('6.6.6.6, 1.2.3.4', 0), '10.0.0.9')
  assert.equal(from('6.6.6.6, 1.2.3.4', 1), '1.2.3.4')
  assert.equal(from('6.6.6.6, 1.2.3.4:5555, 10.1.1.1', 2), '1.2.3.4')
  assert.equal(from('[2001:db8::7]:99', 1), '2001:db8::7')
})

test('a harmless request id is kept, any other replaced', () => {
  assert.equal(requestId('abc-12345'), 'abc-12345')
  for (const bad of [undefined, 'short', 'a\r\nb1234567', 'x'.repeat(200), ['a', 'b']])
    assert.match(requestId(bad), /^[0-9a-f-]{36}$/)
})
