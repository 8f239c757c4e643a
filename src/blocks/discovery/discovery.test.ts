import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Declaration } from '../../block.ts'
import { discovery, type Discovery, type DiscoveryOptions } from './index.ts'
import { open } from './memory.ts'
import { topicOf } from './postgres.ts'

test('declares without opening anything, and opens alone', async () => {
  const declared: Declaration<Discovery, DiscoveryOptions> = discovery({
    lease: '2s',
    because: 'instances come and go',
  })
  assert.deepEqual([declared.kind, declared.schemes[0]], ['discovery', 'postgres'])
  await using alone = await discovery('registry', { url: 'memory:' })
  assert.deepEqual(await alone.list('web'), [])
  assert.deepEqual([alone.name, alone.kind, alone.driver], ['registry', 'discovery', 'memory'])
})

test('memory: is private, memory:NAME is shared', async () => {
  await using one = await discovery('one', { url: 'memory:shared-in-test' })
  await using two = await discovery('two', { url: 'memory:shared-in-test' })
  await using apart = await discovery('apart', { url: 'memory:' })
  await one.register('web', { host: 'a', port: 1 })
  assert.equal((await two.list('web')).length, 1)
  assert.equal((await apart.list('web')).length, 0)
})

test('refuses options and URLs that it does not know, naming value, range and fix', async () => {
  assert.throws(() => discovery({ lease: '10ms' }), {
    code: 'invalid_argument',
    message: /lease.*10ms.*1000 to 300000/,
  })
  assert.throws(() => discovery({ leese: '10s' } as never), { code: 'invalid_argument', message: /'leese'.*lease/ })
  await assert.rejects(discovery('registry', { url: 'memory:x?y=1' }), {
    code: 'invalid_argument',
    message: /memory:NAME/,
  })
  await assert.rejects(discovery('registry', { url: 'redis://x' }), {
    code: 'unsupported',
    message: /postgres: memory:/,
  })
  await assert.rejects(discovery('registry', { url: 'postgres://u:secret@127.0.0.1:1/d?ttl=4' }), {
    code: 'invalid_argument',
    message: /'ttl'/,
  })
})

test('reports a registry that is away as unavailable, without the password', async () => {
  await assert.rejects(discovery('registry', { url: 'postgres://u:secret@127.0.0.1:1/d' }), (error: Error) => {
    assert.equal((error as unknown as { code: string }).code, 'unavailable')
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('refuses addresses that nobody could reach', async () => {
  await using found = await discovery('registry', { url: 'memory:' })
  const bad: [string, object, RegExp][] = [
    ['web', { host: '', port: 80 }, /host ''/],
    ['web', { host: 'a b', port: 80 }, /host 'a b'/],
    ['web', { host: '[::1]', port: 80 }, /without port or brackets/],
    ['web', { host: 'a', port: 0 }, /port 0 .*1 to 65535/],
    ['web', { host: 'a', port: 65536 }, /port 65536/],
    ['web', { host: 'a', port: 80, weight: 3 }, /'weight'/],
    ['web', { host: 'a', port: 80, meta: { weight: 3 } }, /meta 'weight'/],
    ['web', { host: 'a', port: 80, meta: { 'a b': '' } }, /meta name 'a b'/],
    ['web', { host: 'a', port: 80, id: 'x y' }, /id 'x y'/],
    ['we b', { host: 'a', port: 80 }, /'we b' is not a service name/],
    ['', { host: 'a', port: 80 }, /service name/],
  ]
  for (const [service, address, message] of bad)
    await assert.rejects(found.register(service, address as never), { code: 'invalid_argument', message })
  await assert.rejects(found.watch('a/b'), { code: 'invalid_argument' })
})

test('watches what is picked from, and no more than 256 services', async () => {
  await using found = await discovery('registry', { url: 'memory:' })
  for (let service = 0; service < 300; service++) await found.pick(`service-${service}`)
  assert.equal((await found.stats())['watched'], 256)
})

test('no name of a registry or service is visible in a notification', () => {
  assert.match(topicOf('shutter.discovery', 'web'), /^[0-9a-f]{32}$/)
  assert.notEqual(topicOf('a', 'b'), topicOf('a', 'c'))
})

test('a forgotten handle in memory does not keep the process alive', async () => {
  const driver = await open({ url: 'memory:' } as never)
  await driver.register({ id: 'a', service: 's', host: 'h', port: 1, meta: {} }, 1_000)
  const found = await discovery('registry', { url: 'memory:' })
  await found.register('web', { host: 'h', port: 1 })
  await found.watch('web')
})
