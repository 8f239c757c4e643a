import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { test } from 'node:test'
import { app } from '../blocks/app/index.ts'
import { cache } from '../blocks/cache/index.ts'
import { blueprint } from '../blueprint/blueprint.ts'
import { resolveEngines } from '../blueprint/resolve.ts'
import type { ProcessState } from '../blueprint/supervisor.ts'
import { until } from '../conformance.ts'
import { openConsole, type Snapshot } from './index.ts'
import { parseMetrics } from './prometheus.ts'
import type { Service } from './service.ts'
import { expectation } from './snapshot.ts'

const shop = blueprint('shop', {
  feed: cache({ because: 'the same feed is read again and again', expect: { hitRate: 0.8 } }),
  web: app(async () => ({}), { instances: 2 }),
})

/** A role process's admin door with figures that the test sets. */
async function fakeRole(figures: { hits: number; misses: number; gets: number }) {
  const server = createServer((asked, response) => {
    const metrics = `ashlar_operation_seconds_count{kind="cache",block="feed",driver="memory",operation="get",outcome="ok"} ${figures.gets}\nashlar_operation_seconds_sum{kind="cache",block="feed",driver="memory",operation="get",outcome="ok"} ${figures.gets / 1000}\n`
    const answers: Record<string, string> = {
      '/metrics': metrics,
      '/health': JSON.stringify({ blocks: { feed: { ok: true } } }),
      '/stats': JSON.stringify({ feed: { hits: figures.hits, misses: figures.misses, hitRate: 0, entries: 7 } }),
    }
    response.end(answers[asked.url ?? ''])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, [Symbol.asyncDispose]: async () => void server.close() }
}

function serviceOf(ports: number[]): Service & { done: string[] } {
  const done: string[] = []
  const processes = ports.map((adminPort, index): ProcessState => ({
    id: `web-${index + 1}`,
    role: 'app',
    block: 'web',
    state: 'ready',
    pid: 100 + index,
    adminPort,
    addresses: {},
    instances: [],
    restarts: 0,
    lastError: undefined,
  }))
  return {
    done,
    blueprint: shop,
    engines: resolveEngines(shop, { FEED_URL: 'memory:', REGISTRY_URL: 'memory:' }),
    addresses: { edge: 'http://127.0.0.1:8080' },
    processes: () => processes,
    members: () => [{ name: 'pg0', role: 'primary', pid: 1, port: 5, healthy: true }],
    troubles: () => [],
    kill: (process) => void done.push(`kill ${process}`),
    pause: (process) => void done.push(`pause ${process}`),
    resume: (process) => void done.push(`resume ${process}`),
    add: (block) => (done.push(`add ${block}`), `${block}-3`),
    remove: async (process) => void done.push(`remove ${process}`),
    lag: async (member, seconds) => void done.push(`lag ${member} ${seconds}`),
    promote: async (member) => void done.push(`promote ${member}`),
  }
}

const act = (url: string, name: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}/actions/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

test('shows what is expected beside what is measured over all processes', async () => {
  await using one = await fakeRole({ hits: 9, misses: 1, gets: 10 })
  await using two = await fakeRole({ hits: 0, misses: 10, gets: 10 })
  await using door = await openConsole(serviceOf([one.port, two.port]), { port: 0 })
  const state = (await (await fetch(`${door.url}/state.json`)).json()) as Snapshot
  const feed = state.blocks.find(({ name }) => name === 'feed')!
  assert.deepEqual([feed.stats.hits, feed.stats.entries, feed.stats.hitRate], [9, 7, 0.45])
  assert.deepEqual(feed.expectations, [{ name: 'hitRate', expected: 'at least 0.8', measured: 0.45, met: false }])
  assert.equal(feed.because, 'the same feed is read again and again')
})

test('live figures arrive by themselves, with rates', async () => {
  const figures = { hits: 1, misses: 1, gets: 0 }
  await using role = await fakeRole(figures)
  await using door = await openConsole(serviceOf([role.port]), { port: 0 })
  const reader = (await fetch(`${door.url}/events`)).body!.pipeThrough(new TextDecoderStream()).getReader()
  await until('a flow shows', async () => {
    figures.gets += 50
    return /"operation":"get","perSecond":[1-9]/.test((await reader.read()).value ?? '')
  })
  await reader.cancel()
})

test('a process that does not answer is left out, not waited for', async () => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  await using role = await fakeRole({ hits: 1, misses: 0, gets: 1 })
  await using door = await openConsole(serviceOf([role.port, (silent.address() as { port: number }).port]), { port: 0 })
  const state = (await (await fetch(`${door.url}/state.json`)).json()) as Snapshot
  assert.equal(state.blocks.find(({ name }) => name === 'feed')?.stats.hits, 1)
  silent.closeAllConnections()
  silent.close()
})

test('buttons act on the real service', async () => {
  const service = serviceOf([])
  await using door = await openConsole(service, { port: 0 })
  await act(door.url, 'kill', { process: 'web-1' })
  await act(door.url, 'add', { block: 'web' })
  await act(door.url, 'lag', { member: 'pg1', seconds: 5 })
  assert.deepEqual(service.done, ['kill web-1', 'add web', 'lag pg1 5'])
})

test('a page of another origin cannot act, nor can a form', async () => {
  const service = serviceOf([])
  await using door = await openConsole(service, { port: 0 })
  assert.equal((await act(door.url, 'kill', { process: 'web-1' }, { origin: 'http://evil.test' })).status, 403)
  assert.equal((await act(door.url, 'kill', { process: 'web-1' }, { 'content-type': 'text/plain' })).status, 403)
  assert.deepEqual(service.done, [])
})

test('a foreign name that leads here is refused (DNS rebinding)', async () => {
  await using door = await openConsole(serviceOf([]), { port: 0 })
  const status = await new Promise((resolve) =>
    request(`${door.url}/state.json`, { headers: { host: 'evil.test' } }, (answer) =>
      resolve(answer.resume().statusCode),
    ).end(),
  )
  assert.equal(status, 421)
})

test('a wrong action, argument or body is named', async () => {
  await using door = await openConsole(serviceOf([]), { port: 0 })
  for (const [name, body, pattern] of [
    ['explode', {}, /no action 'explode'; there are kill/],
    ['__proto__', {}, /no action/],
    ['lag', { member: 'pg1', seconds: -1 }, /seconds: -1 is out of range; allowed is 0 to 3600/],
    ['kill', { process: 7 }, /needs 'process' as text/],
    ['kill', 'x'.repeat(5000), /at most 4096 bytes/],
  ] as const) {
    const answer = await act(door.url, name, body)
    assert.equal(answer.status, 400)
    assert.match(((await answer.json()) as { error: string }).error, pattern)
  }
})

test('the page and its parts are served, and nothing else', async () => {
  await using door = await openConsole(serviceOf([]), { port: 0 })
  for (const path of ['/', '/console.css', '/console.js', '/drawing.js', '/details.js'])
    assert.equal((await fetch(door.url + path)).status, 200)
  assert.equal((await fetch(`${door.url}/service.ts`)).status, 404)
})

test('lags and ages should be at most, rates at least, what is expected', () => {
  assert.equal(expectation('oldestAgeMs', '10s', { oldestAgeMs: 9_000 }).met, true)
  assert.equal(expectation('lagMs', '1s', { lagMs: 1_500 }).met, false)
  assert.equal(expectation('hitRate', 0.5, {}).met, undefined)
  assert.equal(expectation('hitRate', 0.5, { hitRate: 0, hits: 0, misses: 6 }).met, undefined, 'too early to tell')
  assert.equal(expectation('hitRate', 0.5, { hitRate: 0.4, cacheLooks: 100 }).met, false)
})

test('reads the Prometheus text format, escapes included', () => {
  const [sample] = parseMetrics('# HELP x y\nx_total{a="q\\"1\\n",b="2"} 3.5\nbroken line\n')
  assert.deepEqual(sample, { name: 'x_total', labels: { a: 'q"1\n', b: '2' }, value: 3.5 })
})
