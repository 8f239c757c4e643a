import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Fleet, httpPeer, openRig, raw, statuses } from '../../test/edge/rig.ts'

const close = 'Host: x\r\nConnection: close\r\n'

/** An instance that answers with the request line, the raw head and the body it got. */
function echo() {
  return httpPeer((incoming, response) => {
    let body = ''
    incoming.on('data', (chunk) => (body += chunk))
    incoming.on('end', () =>
      response.end(JSON.stringify({ line: `${incoming.method} ${incoming.url}`, head: incoming.rawHeaders, body })),
    )
  })
}

async function ask(text: string, limits = {}): Promise<string> {
  await using peer = await echo()
  await using rig = await openRig(new Fleet(peer.port), { limits })
  return await raw(rig.port, text)
}

test('both a length and a transfer coding, or a coding that is not chunked alone, never reach an instance', async () => {
  const both = await ask(`POST / HTTP/1.1\r\n${close}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)
  assert.deepEqual(statuses(both), [400])
  for (const coding of ['gzip, chunked', 'chunked, chunked', 'xchunked', 'chunked;a'])
    assert.match(
      (await ask(`POST / HTTP/1.1\r\n${close}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`)).slice(0, 12),
      /^HTTP\/1\.1 (400|501)/,
      coding,
    )
  assert.deepEqual(statuses(await ask(`POST / HTTP/1.0\r\n${close}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)), [400])
})

test('a body stays a body whatever the method and whatever Connection names: it never becomes the next request', async () => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
  const size = smuggled.length
  const seen: string[] = []
  await using peer = await httpPeer((incoming, response) => {
    seen.push(incoming.url ?? '')
    incoming.resume().on('end', () => response.end('ok'))
  })
  await using rig = await openRig(new Fleet(peer.port))
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'HEAD', 'POST', 'PROPFIND']) {
    await raw(
      rig.port,
      `${method} /chunked HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    )
    await raw(
      rig.port,
      `${method} /length HTTP/1.1\r\nHost: x\r\nConnection: close, content-length, transfer-encoding, host\r\nContent-Length: ${size}\r\n\r\n${smuggled}`,
    )
  }
  assert.deepEqual([...new Set(seen)].toSorted(), ['/chunked', '/length'])
  assert.equal(seen.length, 12)
})

test('requests of one connection are answered in their order, and garbage after them ends it', async () => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const answer = await ask(`${get('/1')}${get('/2')}GET /3 HTTP/1.1\r\n${close}\r\n`)
  assert.deepEqual(
    [...answer.matchAll(/GET (\/\d)/g)].map(([, path]) => path),
    ['/1', '/2', '/3'],
  )
  const garbled = await ask(`${get('/1')}\0\0 nonsense\r\n\r\n`)
  assert.ok(statuses(garbled).length <= 1, garbled)
})

test('heads that are too large, or of too many fields, are answered 431', async () => {
  assert.deepEqual(statuses(await ask(`GET / HTTP/1.1\r\n${close}X: ${'x'.repeat(40_000)}\r\n\r\n`)), [431])
  const flood = Array.from({ length: 500 }, (_, each) => `X-${each}: 1\r\n`).join('')
  assert.deepEqual(statuses(await ask(`GET / HTTP/1.1\r\n${close}${flood}\r\n`)), [431])
})

test('a head that never ends is answered 408 in its time, and others are served meanwhile', async () => {
  await using peer = await echo()
  await using rig = await openRig(new Fleet(peer.port), { limits: { headersMs: 200 } })
  const slow = Array.from({ length: 50 }, () => raw(rig.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '))
  assert.equal((await fetch(rig.url)).status, 200)
  for (const answer of await Promise.all(slow)) assert.deepEqual(statuses(answer), [408])
})

test('no more connections than allowed', async () => {
  await using peer = await echo()
  await using rig = await openRig(new Fleet(peer.port), { limits: { connections: 2 } })
  const held = [connect(rig.port, '127.0.0.1'), connect(rig.port, '127.0.0.1')]
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  assert.equal(await raw(rig.port, `GET / HTTP/1.1\r\n${close}\r\n`), '')
  for (const socket of held) socket.destroy()
})

test('100 Continue comes once an instance takes the body, and not before a refusal', async () => {
  const expecting = (length: number) =>
    `POST / HTTP/1.1\r\n${close}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  assert.match(await ask(`${expecting(2)}hi`), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*"body":"hi"/)
  assert.doesNotMatch(await ask(`${expecting(2)}hi`), /Expect/i)
  await using rig = await openRig(new Fleet(), { route: { maxBody: '1kb' } })
  assert.deepEqual(statuses(await raw(rig.port, expecting(5000), (text) => text.includes('large'))), [413])
  assert.deepEqual(statuses(await raw(rig.port, expecting(5), (text) => text.includes('again'))), [503])
  assert.deepEqual(statuses(await ask(`POST / HTTP/1.1\r\n${close}Expect: cake\r\nContent-Length: 1\r\n\r\nx`)), [417])
})

test('HTTP/1.0 is served without a Host, and the connection closed', async () => {
  const answer = await ask('GET /old HTTP/1.0\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 200 [^]*GET \/old/)
  assert.match(answer, /"Host","127\.0\.0\.1:\d+"/)
})

test('a target in absolute form is taken when it names the Host, and refused when it names another', async () => {
  assert.match(await ask(`GET http://X/a?b HTTP/1.1\r\n${close}\r\n`), /GET \/a\?b/)
  assert.match(await ask(`GET http://x HTTP/1.1\r\n${close}\r\n`), /GET \/"/)
  for (const target of ['http://y/a', 'http://x@y/a', 'ftp://x/a', '*', 'x:80'])
    assert.deepEqual(statuses(await ask(`GET ${target} HTTP/1.1\r\n${close}\r\n`)), [400], target)
})

test('an upgrade is answered as the plain request that it also is; CONNECT is refused', async () => {
  const upgrade = await ask('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n')
  assert.match(upgrade, /^HTTP\/1\.1 200 [^]*GET \/ws/)
  assert.doesNotMatch(upgrade, /websocket/)
  assert.deepEqual(statuses(await ask('CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n')), [405])
})

test('malformed targets are answered 400, also on an upgrade, and the edge goes on', async () => {
  for (const target of ['/%E0%A4%A', '/%zz', '/a/../b', '/a%2fb', '/%2e%2e/x', '/a\\b', '/\xe9'])
    for (const extra of ['', 'Upgrade: websocket\r\n'])
      assert.deepEqual(statuses(await ask(`GET ${target} HTTP/1.1\r\n${close}${extra}\r\n`)), [400], target)
})

test('hosts that are none are refused', async () => {
  for (const host of ['a b', 'a/b', 'a@b', 'a,b', '[::1', 'a:b'])
    assert.deepEqual(statuses(await ask(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)), [400], host)
})

test('two Cookie fields reach the instance as one, joined as RFC 6265 says', async () => {
  assert.match(await ask(`GET / HTTP/1.1\r\n${close}Cookie: a=1\r\nCookie: b=2\r\n\r\n`), /"Cookie","a=1; b=2"/)
})
