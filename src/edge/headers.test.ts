import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { endToEnd, requestHeaders } from './headers.ts'

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

test('Connection cannot take away what a message needs', () => {
  const raw = ['Connection', 'host, content-length, set-cookie', 'Content-Length', '5', 'Set-Cookie', 'a=1']
  assert.deepEqual(endToEnd(raw, raw[1]), raw.slice(2))
})

test('the body is announced exactly once, whatever the method', () => {
  const framing = (method: string, raw: string[]) => {
    const sent = requestHeaders(Object.assign(incoming(raw), { method }), forwarding)
    return sent.filter((_, index) => /^(content-length|transfer-encoding)$/i.test(sent[index - (index % 2)]!))
  }
  assert.deepEqual(framing('DELETE', ['Transfer-Encoding', 'chunked']), ['Transfer-Encoding', 'chunked'])
  assert.deepEqual(framing('GET', ['content-length', '5', 'Connection', 'content-length']), ['Content-Length', '5'])
  assert.deepEqual(framing('POST', []), ['Content-Length', '0'])
  assert.deepEqual(framing('GET', []), [])
})

test('the host goes on with its port', () => {
  const sent = requestHeaders(incoming(['Host', 'shop.test:81']), { ...forwarding, host: 'shop.test:81' })
  assert.equal(sent[sent.indexOf('Host') + 1], 'shop.test:81')
  assert.equal(sent[sent.indexOf('X-Forwarded-Host') + 1], 'shop.test:81')
})
