import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { app } from '../blocks/app/index.ts'
import { discovery } from '../blocks/discovery/index.ts'
import { limiter } from '../blocks/limiter/index.ts'
import { sessions } from '../blocks/sessions/index.ts'
import { blueprint } from '../blueprint/blueprint.ts'
import { until } from '../conformance.ts'
import { testing } from '../testing.ts'
import { edge, session } from './index.ts'
import type { Route } from './config.ts'

/** A service of one app behind an edge, in this process, in memory. */
function serve(fetch: (request: Request) => Response | Promise<Response>, route: Partial<Route> = {}) {
  const shop = blueprint('shop', {
    web: app(async () => ({ default: { fetch } }), { maxBody: '1mb' }),
    members: sessions(),
    perUser: limiter({ rate: '1/h', burst: 2 }),
    registry: discovery(),
    front: edge({ listen: 0, routes: [{ path: '/*', to: 'web', ...route }] }),
  })
  return testing(shop, { env: {} })
}

/** Speaks raw HTTP and answers all that comes back until the peer closes, or `enough` says so. */
function raw(url: string, text: string, enough = (_so_far: string) => false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let got = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer; so far: ${got}`)))
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
      if (enough(got)) socket.destroy()
    })
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
  })
}

const echo = async (request: Request) =>
  Response.json({ headers: Object.fromEntries(request.headers), body: await request.text(), url: request.url })

test('passes request and answer through whole, with forwarded fields of its own', async () => {
  await using shop = await serve(echo)
  const answer = await shop.fetch('/a?b=c', {
    method: 'POST',
    body: 'hello',
    headers: { 'x-forwarded-host': 'evil.test', 'x-ashlar-subject': 'root' },
  })
  const { headers, body, url } = (await answer.json()) as { headers: Record<string, string>; body: string; url: string }
  assert.equal(body, 'hello')
  assert.match(url, /\/a\?b=c$/)
  assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  assert.ok(!JSON.stringify(headers).includes('evil') && headers['x-ashlar-subject'] === undefined)
  assert.equal(answer.headers.get('x-request-id'), headers['x-request-id'])
})

test('each Set-Cookie stays a line of its own', async () => {
  await using shop = await serve(
    () =>
      new Response('', {
        headers: [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['set-cookie', 'c=3'],
        ],
      }),
  )
  assert.deepEqual((await shop.fetch('/')).headers.getSetCookie(), ['a=1', 'b=2', 'c=3'])
})

test('a malformed target is answered 400 and the edge goes on', async () => {
  await using shop = await serve(echo)
  for (const target of ['/%E0%A4%A', '/%zz', '/a/../b']) {
    assert.match(
      await raw(shop.url, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      /^HTTP\/1\.1 400 /,
    )
  }
  assert.equal((await shop.fetch('/')).status, 200)
})

test('two Host fields, or none, are refused', async () => {
  await using shop = await serve(echo)
  for (const hosts of ['Host: a\r\nHost: b\r\n', ''])
    assert.match(await raw(shop.url, `GET / HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`), /^HTTP\/1\.1 400 /)
})

test('a body over the limit is refused, with a length and without', async () => {
  let seen = 0
  await using shop = await serve(
    async (request) => new Response(String((seen += (await request.arrayBuffer()).byteLength))),
    { maxBody: '64kb' },
  )
  const big = new Uint8Array(1024 * 1024)
  assert.equal((await shop.fetch('/', { method: 'POST', body: big })).status, 413)
  const chunked = new ReadableStream({ start: (controller) => (controller.enqueue(big), controller.close()) })
  const answer = await shop.fetch('/', { method: 'POST', body: chunked, duplex: 'half' })
  assert.equal(answer.status, 413)
  assert.ok(seen < big.byteLength)
})

test('a GET that carries a body is passed on with it, and answered at once', async () => {
  await using shop = await serve(echo)
  const answer = await raw(shop.url, 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}')
  assert.match(answer, /^HTTP\/1\.1 200 /)
})

test('events reach the client as they are sent, not when the answer ends', async () => {
  const events = new TransformStream<Uint8Array, Uint8Array>()
  const writer = events.writable.getWriter()
  await using shop = await serve(
    () => new Response(events.readable, { headers: { 'content-type': 'text/event-stream' } }),
  )
  const answer = shop.fetch('/')
  void writer.write(new TextEncoder().encode('data: first\n\n'))
  const reader = (await answer).body!.getReader()
  assert.equal(new TextDecoder().decode((await reader.read()).value), 'data: first\n\n')
  await writer.close()
})

test('a client that leaves frees its place at the app', async () => {
  let aborted = 0
  await using shop = await serve(
    (request) =>
      new Promise<Response>((resolve) =>
        request.signal.addEventListener('abort', () => (aborted++, resolve(new Response('')))),
      ),
  )
  const leaving = new AbortController()
  const asked = Array.from({ length: 20 }, () => shop.fetch('/', { signal: leaving.signal }).catch(() => undefined))
  await until('all are under way', async () => (await shop.blocks.web.stats()).requests === 20)
  leaving.abort()
  await Promise.all(asked)
  await until('the app heard of it', () => aborted === 20)
})

test('an app that is late is answered 504 within the deadline', async () => {
  await using shop = await serve(
    (request) => new Promise((resolve) => request.signal.addEventListener('abort', () => resolve(new Response('')))),
    { timeout: '100ms' },
  )
  assert.equal((await shop.fetch('/')).status, 504)
})

test('without a session 401, with one the app learns who it is', async () => {
  await using shop = await serve(echo, { auth: session('members') })
  assert.equal((await shop.fetch('/')).status, 401)
  const made = await shop.blocks.members.create('ada')
  const cookie = shop.blocks.members.cookie(made, new Request(shop.url)).split(';')[0]!
  const answer = (await (await shop.fetch('/', { headers: { cookie } })).json()) as { headers: Record<string, string> }
  assert.equal(answer.headers['x-ashlar-subject'], 'ada')
})

test('over the limit 429, with Retry-After, whatever a client writes into X-Forwarded-For', async () => {
  await using shop = await serve(echo, { limit: 'perUser' })
  const statuses: number[] = []
  for (let count = 0; count < 3; count++)
    statuses.push((await shop.fetch('/', { headers: { 'x-forwarded-for': `1.2.3.${count}` } })).status)
  assert.deepEqual(statuses, [200, 200, 429])
  assert.ok(Number((await shop.fetch('/')).headers.get('retry-after')) > 0)
})

test('what is immutable is answered from the cache with its age, and conditionally', async () => {
  let asked = 0
  const headers = { 'cache-control': 'public, max-age=1000, immutable', etag: '"v1"', 'content-length': '4' }
  await using shop = await serve(() => new Response(`a-${++asked}!`, { headers }), { cache: { immutable: true } })
  assert.equal(await (await shop.fetch('/x')).text(), 'a-1!')
  const again = await shop.fetch('/x')
  assert.equal(await again.text(), 'a-1!')
  assert.equal(again.headers.get('age'), '0')
  assert.equal((await shop.fetch('/x', { headers: { 'if-none-match': '"v1"' } })).status, 304)
  assert.equal(asked, 1)
})

test('neither HEAD nor a range fills the cache for a later GET', async () => {
  const answer = (request: Request) => {
    const part = request.headers.has('range')
    const headers = {
      'cache-control': 'public, max-age=1000, immutable',
      ...(part ? { 'content-range': 'bytes 0-0/5' } : {}),
    }
    return new Response(request.method === 'HEAD' ? null : part ? 'w' : 'whole', { status: part ? 206 : 200, headers })
  }
  await using shop = await serve(answer, { cache: { immutable: true } })
  await shop.fetch('/x', { method: 'HEAD' })
  await shop.fetch('/x', { headers: { range: 'bytes=0-0' } })
  assert.equal(await (await shop.fetch('/x')).text(), 'whole')
})

test('an unknown path of a service without a catch-all is 404', async () => {
  await using shop = await serve(echo, { path: '/only/*' })
  assert.equal((await shop.fetch('/other')).status, 404)
})
