import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { silent, type Log, type OpenContext } from '../../block.ts'
import { until } from '../../conformance.ts'
import { freePort } from '../../listen.ts'
import { wroteAt, writtenUpTo } from '../../postgres/consistency.ts'
import { app, type AppOptions } from './index.ts'

interface Registered {
  service: string
  host: string
  port: number
}

/** An app alone, with a registry that notes what happens. */
async function open(
  fetch: (request: Request) => unknown,
  { options = {}, log = silent, register }: { options?: AppOptions; log?: Log; register?: () => Promise<never> } = {},
) {
  const events: string[] = []
  const registered: Registered[] = []
  const registry = {
    register: async (service: string, address: { host: string; port: number }) => {
      if (register) return register()
      registered.push({ service, ...address })
      return { end: async () => void events.push('left discovery') }
    },
  }
  const context = { name: 'web', log, block: () => registry } as unknown as OpenContext
  const opened = await app(async () => ({ default: { fetch } }), options).open(context)
  return Object.assign(opened, { events, registered, url: `http://127.0.0.1:${opened.address.port}` })
}

const health = '/.well-known/ashlar/health'

test('registers under its name with an address that others can reach', async () => {
  await using web = await open(() => new Response('hi'), { options: { host: '0.0.0.0' } })
  assert.equal(web.registered[0]!.service, 'web')
  assert.notEqual(web.registered[0]!.host, '0.0.0.0')
  assert.equal(await (await fetch(web.url)).text(), 'hi')
})

test('when it cannot register it does not go on listening', async () => {
  let port = 0
  const register = async () => {
    throw new Error('no registry')
  }
  const options = { port: await freePort() }
  port = options.port
  await assert.rejects(
    open(() => new Response(''), { options, register }),
    /no registry/,
  )
  await assert.rejects(fetch(`http://127.0.0.1:${port}`))
})

test('a module without a fetch handler is refused, saying what it exports', async () => {
  const context = { name: 'web', log: silent } as unknown as OpenContext
  await assert.rejects(app(async () => ({ handler: 1 })).open(context), /exports handler/)
})

test('a body over the limit is 413, with a length and without, whatever the handler makes of it', async () => {
  const swallow = async (request: Request) => new Response(await request.text().catch(() => 'swallowed'))
  const fail = async (request: Request) => new Response(await request.text())
  for (const handler of [swallow, fail]) {
    await using web = await open(handler, { options: { maxBody: '1kb' } })
    const post = (body: string | ReadableStream) => fetch(web.url, { method: 'POST', body, duplex: 'half' })
    assert.equal((await post('x'.repeat(2000))).status, 413)
    assert.equal((await post(ReadableStream.from([new Uint8Array(600), new Uint8Array(600)]))).status, 413)
    assert.equal(await (await post(ReadableStream.from([new Uint8Array(600)]))).text(), '\0'.repeat(600))
  }
})

test('a handler that takes too long is answered 503, and its signal aborts', async () => {
  let reason: unknown
  const handler = (request: Request) =>
    new Promise<Response>((resolve) =>
      request.signal.addEventListener('abort', () => ((reason = request.signal.reason), resolve(new Response('late')))),
    )
  await using web = await open(handler, { options: { timeout: '100ms' } })
  assert.equal((await fetch(web.url)).status, 503)
  assert.equal((reason as Error).name, 'TimeoutError')
})

test("the handler's signal aborts when the client leaves", async () => {
  let began = false
  let left = false
  await using web = await open(({ signal }) => {
    began = true
    return new Promise((resolve) => signal.addEventListener('abort', () => ((left = true), resolve(new Response('')))))
  })
  const leaving = new AbortController()
  const asked = fetch(web.url, { signal: leaving.signal }).catch(() => undefined)
  await until('it began', () => began)
  leaving.abort()
  await asked
  await until('the handler heard', () => left)
})

test('what went wrong is logged and told to nobody', async () => {
  const logged: string[] = []
  const log: Log = { ...silent, error: (fields) => void logged.push(JSON.stringify(fields)) }
  const failing: ((request: Request) => unknown)[] = [
    () => {
      throw new Error('secret')
    },
    async () => Promise.reject(new Error('secret')),
    () => undefined,
    () => Response.error(),
    () => ({ secret: 1 }),
  ]
  for (const handler of failing) {
    await using web = await open(handler, { log })
    const answer = await fetch(web.url)
    assert.deepEqual([answer.status, await answer.text()], [500, 'something went wrong\n'], handler.toString())
  }
  assert.equal(logged.length, failing.length)
  assert.ok(logged.filter((text) => text.includes('secret')).length >= 2)
})

test('an answer that breaks while it streams is cut, and tells nothing', async () => {
  for (const before of [0, 1, 5]) {
    let sent = 0
    const pull = (controller: ReadableStreamDefaultController) => {
      if (sent++ < before) controller.enqueue(new TextEncoder().encode('part '))
      else controller.error(new Error('secret'))
    }
    await using web = await open(() => new Response(new ReadableStream({ pull })))
    const answer = await rawGet(web.address.port, '/')
    assert.doesNotMatch(answer, /secret/, `after ${before}`)
    assert.ok(answer.startsWith('HTTP/1.1 500') || !answer.endsWith('\r\n0\r\n\r\n'), answer)
  }
})

function rawGet(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`))
    let got = ''
    socket.on('data', (chunk) => (got += chunk))
    socket.on('error', () => undefined).on('close', () => resolve(got))
    socket.setTimeout(2_000, () => socket.destroy())
  })
}

test('parts of an answer go out as they come', async () => {
  const parts = new TransformStream<Uint8Array, Uint8Array>()
  const writer = parts.writable.getWriter()
  await using web = await open(() => new Response(parts.readable))
  const answer = fetch(web.url)
  void writer.write(new TextEncoder().encode('first'))
  const reader = (await answer).body!.getReader()
  assert.equal(new TextDecoder().decode((await reader.read()).value), 'first')
  await writer.close()
})

test('HEAD gets the head of a GET and no body', async () => {
  await using web = await open(() => new Response('hello', { headers: { 'content-length': '5', 'x-a': 'b' } }))
  const answer = await fetch(web.url, { method: 'HEAD' })
  assert.deepEqual([answer.status, answer.headers.get('content-length'), await answer.text()], [200, '5', ''])
})

test('a write hands its position to the client, and the next request brings it back', async () => {
  await using web = await open((request) => {
    const before = writtenUpTo()?.lsn
    if (request.method === 'POST') wroteAt('0/16B3748')
    if (request.url.endsWith('/away')) return Response.redirect('http://127.0.0.1/', 303)
    return Response.json(before ?? null)
  })
  const wrote = await fetch(web.url, { method: 'POST' })
  const cookie = wrote.headers.getSetCookie()[0]!
  assert.match(cookie, /^ashlar_rw=0\/16B3748; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60$/)
  const next = await fetch(web.url, { headers: { cookie: `a=1; ${cookie.split(';')[0]}; b=2` } })
  assert.deepEqual([await next.json(), next.headers.getSetCookie()], ['0/16B3748', []])
  const away = await fetch(`${web.url}/away`, { method: 'POST', redirect: 'manual' })
  assert.deepEqual([away.status, away.headers.getSetCookie()], [303, [cookie]])
  const secure = await fetch(web.url, { method: 'POST', headers: { 'x-forwarded-proto': 'https' } })
  assert.match(secure.headers.getSetCookie()[0]!, /; Secure$/)
})

test('a position that is none is ignored', async () => {
  await using web = await open(() => Response.json(writtenUpTo()?.lsn ?? null))
  for (const value of [
    '',
    'x',
    '0',
    '0/',
    '/0',
    '0/XYZ',
    `${'F'.repeat(9)}/0`,
    '0/1; DROP',
    '%30/1',
    '0/1/2',
    "0/1'",
  ]) {
    const answer = await fetch(web.url, { headers: { cookie: `ashlar_rw=${value}; xashlar_rw=0/1` } })
    assert.equal(await answer.json(), value === '0/1; DROP' ? '0/1' : null, value)
  }
})

test('closing: says so on its health path, leaves discovery, finishes what is under way, and takes nothing new', async () => {
  let finish = () => {}
  const waiting = new Promise<Response>((resolve) => (finish = () => resolve(new Response('done'))))
  const web = await open(() => waiting)
  assert.equal((await fetch(web.url + health)).status, 200)
  const asked = fetch(web.url)
  await until('it is under way', async () => (await web.stats()).requests === 2)
  const closing = web.close()
  assert.deepEqual(await web.health(), { ok: false, detail: 'draining' })
  assert.deepEqual(web.events, ['left discovery'])
  assert.equal((await fetch(web.url + health)).status, 503)
  await until('new ones are refused', () =>
    fetch(web.url + health).then(
      () => false,
      () => true,
    ),
  )
  finish()
  const answer = await asked
  assert.deepEqual([await answer.text(), answer.headers.get('connection')], ['done', 'close'])
  await closing
  await web.close()
})

test('what is not done when the drain time ends is cut', async () => {
  const web = await open(() => new Promise(() => undefined), { options: { drain: '100ms' } })
  const asked = fetch(web.url).then(
    () => 'answered',
    () => 'cut',
  )
  await until('it is under way', async () => (await web.stats()).requests === 1)
  await web.close()
  assert.equal(await asked, 'cut')
})
