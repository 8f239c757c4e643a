import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { until } from '../conformance.ts'
import { Fleet, httpPeer, onHead, openRig, raw, rawPeer, statuses } from '../../test/edge/rig.ts'

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

/** An instance that answers each request with these bytes and then closes, or resets, the connection. */
function says(bytes: string, ending: 'end' | 'reset' | 'stay' = 'end') {
  return rawPeer((socket) =>
    onHead(socket, () => {
      if (ending === 'stay') return void socket.write(bytes, 'latin1')
      if (ending === 'end') return void socket.end(bytes, 'latin1')
      if (bytes === '') return void socket.resetAndDestroy()
      socket.write(bytes, 'latin1', () => socket.resetAndDestroy())
    }),
  )
}

test('an instance that resets at any byte of its answer is replaced by another, unnoticed', async () => {
  await using sound = await says(good, 'stay')
  for (let cut = 0; cut < good.length; cut += 3) {
    await using broken = await says(good.slice(0, cut), cut % 2 ? 'reset' : 'end')
    await using rig = await openRig(new Fleet(broken.port, sound.port))
    assert.equal(await (await fetch(rig.url)).text(), 'good', `cut at ${cut}`)
  }
})

test('garbage from the only instance is a 502, and nothing of it reaches the client', async () => {
  const garbage = [
    'nonsense\r\n\r\n',
    'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfour!',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 4\r\n\r\nfour',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello',
  ]
  for (const bytes of garbage) {
    await using peer = await says(bytes)
    await using rig = await openRig(new Fleet(peer.port))
    const answer = await raw(rig.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.deepEqual(statuses(answer), [502], bytes.slice(0, 80))
  }
})

test('interim answers are not mistaken for the answer', async () => {
  await using peer = await says(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${good}`, 'stay')
  await using rig = await openRig(new Fleet(peer.port))
  assert.equal(await (await fetch(rig.url)).text(), 'good')
})

test('an answer cut short after its head went out ends in a broken connection, never in a whole answer', async () => {
  const cut = [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf',
  ]
  for (const bytes of cut) {
    await using peer = await says(bytes)
    await using rig = await openRig(new Fleet(peer.port))
    const answer = await raw(rig.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.match(answer, /half/)
    assert.doesNotMatch(answer, /\r\n0\r\n\r\n$/)
  }
})

test('HEAD, 204 and 304 have no body, whatever length they name', async () => {
  for (const [method, status] of [
    ['HEAD', '200 OK'],
    ['GET', '204 No Content'],
    ['GET', '304 Not Modified'],
  ] as const) {
    await using peer = await says(
      `HTTP/1.1 ${status}\r\n${status.startsWith('204') ? '' : 'Content-Length: 999\r\n'}ETag: "x"\r\n\r\n`,
      'stay',
    )
    await using rig = await openRig(new Fleet(peer.port))
    const ask = `${method} / HTTP/1.1\r\nHost: x\r\n`
    const answer = await raw(rig.port, `${ask}\r\n${ask}Connection: close\r\n\r\n`)
    assert.equal(statuses(answer).length, 2, answer)
    assert.match(answer, /ETag: "x"/)
    assert.match(answer, /\r\n\r\nHTTP\/1\.1 [^]*\r\n\r\n$/)
  }
})

test('a kept connection that is dead is dialled anew, once and for safe requests only; nobody is marked ill', async () => {
  const seen: string[] = []
  // Each connection serves one request, says that it stays open, and dies at the next.
  await using peer = await rawPeer((socket) => {
    let requests = 0
    onHead(socket, (head) => {
      if (requests++ > 0) return void socket.resetAndDestroy()
      seen.push(head.split(' ', 1)[0]!)
      socket.write(good)
    })
  })
  await using rig = await openRig(new Fleet(peer.port))
  for (let each = 0; each < 5; each++) assert.equal((await fetch(rig.url)).status, 200)
  assert.equal(seen.length, 5)
  const post = await fetch(rig.url, { method: 'POST', body: 'once' })
  assert.equal(post.status, 502)
  assert.ok(!seen.includes('POST'))
  assert.equal(rig.upstream.endpoints[0]!.failures, 0)
})

test('a POST that an instance may have seen is never sent twice', async () => {
  let posts = 0
  const take = () =>
    rawPeer((socket) =>
      onHead(socket, (head) => {
        if (head.startsWith('POST')) posts++
        socket.resetAndDestroy()
      }),
    )
  await using one = await take()
  await using two = await take()
  await using rig = await openRig(new Fleet(one.port, two.port))
  for (let each = 1; each <= 4; each++) {
    assert.equal((await fetch(rig.url, { method: 'POST', body: 'x' })).status, 502)
    assert.equal(posts, each)
  }
})

test('a POST goes to another instance when the first cannot be reached, with its whole body', async () => {
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as { port: number }
  await new Promise((resolve) => gone.close(resolve))
  await using sound = await httpPeer((incoming, response) => incoming.pipe(response))
  await using rig = await openRig(new Fleet(port, sound.port))
  const body = 'x'.repeat(300_000)
  for (let each = 0; each < 4; each++)
    assert.equal((await (await fetch(rig.url, { method: 'POST', body })).text()).length, body.length)
})

test('all out of rotation: they are tried anyway, and a health path that says 503 refuses nobody', async () => {
  let ill = true
  await using peer = await httpPeer((incoming, response) => {
    if (incoming.url?.startsWith('/.well-known/')) return void response.writeHead(503).end()
    if (ill) return void incoming.socket.destroy()
    response.end('well')
  })
  await using rig = await openRig(new Fleet(peer.port))
  assert.equal((await fetch(rig.url)).status, 502)
  assert.ok(rig.upstream.endpoints[0]!.outUntilMs > performance.now())
  ill = false
  assert.equal(await (await fetch(rig.url)).text(), 'well')
})

test('failures at the same time count as one', async () => {
  const { failures, outUntilMs } = await failingTogether()
  assert.equal(failures, 1)
  assert.ok(outUntilMs - performance.now() <= 500)
})

async function failingTogether() {
  const waiting: (() => void)[] = []
  await using peer = await rawPeer((socket) => onHead(socket, () => waiting.push(() => socket.resetAndDestroy())))
  await using rig = await openRig(new Fleet(peer.port))
  const asked = Array.from({ length: 20 }, () => fetch(rig.url))
  await until('all are there', () => waiting.length === 20)
  for (const reset of waiting) reset()
  await Promise.all(asked)
  return rig.upstream.endpoints[0]!
}

test('an instance that takes connections and says nothing costs one timeout, then leaves the rotation', async () => {
  await using silent = await rawPeer(() => undefined)
  await using sound = await says(good, 'stay')
  await using rig = await openRig(new Fleet(silent.port, sound.port), { route: { timeout: '100ms' } })
  assert.deepEqual([(await fetch(rig.url)).status, (await fetch(rig.url)).status], [504, 200])
  const ofSilent = () => rig.upstream.endpoints.find(({ port }) => port === silent.port)!
  await until('the probe noticed', () => ofSilent().outUntilMs > performance.now())
})

test('a held answer that stops in the middle is given up in time', async () => {
  await using peer = await says('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha', 'stay')
  await using rig = await openRig(new Fleet(peer.port), { route: { timeout: '100ms' } })
  assert.equal((await fetch(rig.url)).status, 504)
})

test('an answer that comes before the body is read reaches the client, and its connection is not used again', async () => {
  await using peer = await rawPeer((socket) =>
    onHead(socket, () => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')),
  )
  await using rig = await openRig(new Fleet(peer.port))
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n'
  const answer = await raw(rig.port, head + 'x'.repeat(1000), (text) => text.endsWith('no'))
  assert.match(answer, /403[^]*Connection: close/i)
  await until('the instance was left', () =>
    peer.sockets.every(({ destroyed, readableEnded }) => destroyed || readableEnded),
  )
})

test('a client that leaves is no mark against the instance, and frees its place', async () => {
  await using peer = await rawPeer((socket) => socket.resume())
  await using rig = await openRig(new Fleet(peer.port))
  const leaving = new AbortController()
  const asked = Array.from({ length: 50 }, () => fetch(rig.url, { signal: leaving.signal }).catch(() => 'left'))
  await until('all are under way', () => peer.sockets.length === 50)
  leaving.abort()
  assert.ok((await Promise.all(asked)).every((each) => each === 'left'))
  const [endpoint] = rig.upstream.endpoints
  await until('all places are free', () => endpoint!.active === 0 && peer.sockets.every(({ closed }) => closed))
  assert.equal(endpoint!.failures, 0)
})

test('a client that leaves in the middle of its upload ends it at the instance', async () => {
  await using peer = await rawPeer((socket) => socket.resume())
  await using rig = await openRig(new Fleet(peer.port))
  const socket = connect(rig.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf')
  await until('it is under way', () => peer.sockets.length === 1)
  socket.destroy()
  await until('the instance saw the end', () => peer.sockets[0]!.closed)
  assert.equal(rig.upstream.endpoints[0]!.failures, 0)
})

test('a body without a length is counted: the instance sees no more than the limit', async () => {
  let seen = 0
  await using peer = await rawPeer((socket) => socket.on('data', (chunk) => (seen += chunk.byteLength)))
  await using rig = await openRig(new Fleet(peer.port), { route: { maxBody: '1mb' } })
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
  const answer = await raw(rig.port, `${head}${chunk.repeat(4)}0\r\n\r\n`)
  assert.deepEqual(statuses(answer), [413])
  assert.ok(seen <= 1024 * 1024 + 64 * 1024, `${seen}`)
})

test('an instance removed from discovery gets no more requests, and its idle connections close at once', async () => {
  await using one = await httpPeer((_, response) => response.end('one'))
  await using two = await httpPeer((_, response) => response.end('two'))
  const fleet = new Fleet(one.port, two.port)
  await using rig = await openRig(fleet)
  for (let each = 0; each < 4; each++) await (await fetch(rig.url)).text()
  fleet.set(two.port)
  await until('it was let go', () => one.sockets.every(({ closed }) => closed))
  for (let each = 0; each < 4; each++) assert.equal(await (await fetch(rig.url)).text(), 'two')
})

test('instances killed under load: no GET fails', async () => {
  const children = [spawnInstance(), spawnInstance(), spawnInstance()]
  const ports = await Promise.all(children.map(async (child) => Number((await once(child, 'message'))[0])))
  try {
    await using rig = await openRig(new Fleet(...ports))
    let asked = 0
    const stop = new AbortController()
    const failed: number[] = []
    const client = async () => {
      while (!stop.signal.aborted) {
        const answer = await fetch(rig.url)
        await answer.text()
        asked++
        if (answer.status !== 200) failed.push(answer.status)
      }
    }
    const clients = Array.from({ length: 6 }, client)
    for (const child of children.slice(0, 2)) {
      const before = asked
      await until('load goes on', () => asked > before + 30)
      child.kill('SIGKILL')
    }
    const before = asked
    await until('load goes on without them', () => asked > before + 60)
    stop.abort()
    await Promise.all(clients)
    assert.deepEqual(failed, [])
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})

function spawnInstance() {
  return fork(new URL('../../test/edge/instance.ts', import.meta.url))
}
