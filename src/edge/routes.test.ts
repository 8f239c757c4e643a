import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from './config.ts'
import { matchRoute, originForm, readyRoutes, safePath, withoutPrefix } from './routes.ts'

const routes = readyRoutes([
  { path: '/*', to: 'web' },
  { path: '/img/*', to: 'photos' },
  { path: '/img/new', to: 'news' },
  { path: '/api/*', to: 'api', methods: ['GET'] },
  { path: '/*', host: 'admin.example.org', to: 'admin' },
])

function to(path: string, { host = 'example.org', method = 'GET' } = {}): string | undefined {
  return matchRoute(routes, host, method, path)?.route.to
}

test('the longest match wins, whatever the order of declaration', () => {
  assert.deepEqual(
    ['/', '/img/a.webp', '/img/new', '/img/newer'].map((path) => to(path)),
    ['web', 'photos', 'news', 'photos'],
  )
})

test('a prefix matches its own folder with and without the slash, and nothing that merely begins like it', () => {
  assert.deepEqual(
    ['/img', '/img/', '/image'].map((path) => to(path)),
    ['photos', 'photos', 'web'],
  )
})

test('host and method narrow a route', () => {
  assert.equal(to('/', { host: 'admin.example.org' }), 'admin')
  assert.equal(to('/api/x', { method: 'POST' }), 'web')
})

test('a path that two parsers could read differently is refused', () => {
  const hostile = [
    '//x/../y',
    '/a/../b',
    '/a/./b',
    '/%2e%2e/etc',
    '/a%2Fb',
    '/a%5cb',
    '/a%00',
    '/%zz',
    '/%E0%A4%A',
    '/a\\b',
    '/a b',
    '/a#b',
    'a',
    '/a\u0001',
    'http://other/',
    '/..',
    '/caf\u00e9',
    '*',
  ]
  assert.deepEqual(
    hostile.filter((path) => safePath(path) !== undefined),
    [],
  )
})

test('ordinary paths pass as they are', () => {
  for (const path of ['/', '/a/b.c', '/%20x', '/a..b', '/.well-known/x', '/caf%C3%A9', '/a?b=%2F/../'])
    assert.equal(safePath(path), path.split('?')[0])
})

test('the same route twice is refused', () => {
  assert.throws(
    () =>
      readyRoutes([
        { path: '/a', to: 'x' },
        { path: '/a', to: 'y' },
      ]),
    /route \/a is there twice/,
  )
})

test('an escaped letter does not lead around a route', () => {
  assert.equal(to('/%69mg/x'), 'photos')
  assert.equal(to('/%61pi/x', { method: 'POST' }), 'web')
})

test('a route for GET takes HEAD, and comes before one for any method', () => {
  assert.equal(to('/api/x', { method: 'HEAD' }), 'api')
  const both = readyRoutes([
    { path: '/*', to: 'any' },
    { path: '/*', to: 'get', methods: ['GET'] },
  ])
  assert.equal(matchRoute(both, '', 'GET', '/')?.route.to, 'get')
})

test('a prefix is cut off by its segments, however they are escaped', () => {
  const [img, cafe] = ['/img/*', '/caf\u00e9/*'].map((path) => readyRoutes([{ path, to: 'x' }])[0]!)
  assert.equal(withoutPrefix('/img/a%20b/c', img!), '/a%20b/c')
  assert.equal(withoutPrefix('/%69mg/a', img!), '/a')
  assert.equal(withoutPrefix('/img', img!), '/')
  assert.ok(matchRoute([cafe!], '', 'GET', '/caf%C3%A9/x'))
  assert.equal(withoutPrefix('/caf%C3%A9/x', cafe!), '/x')
})

test('a target in absolute form counts only when it names the Host', () => {
  assert.equal(originForm('http://Shop.test/a?b', 'shop.test'), '/a?b')
  assert.equal(originForm('http://shop.test?b', 'shop.test'), '/?b')
  for (const target of ['http://other/a', 'http://u@shop.test/', 'shop.test:80', '*'])
    assert.equal(originForm(target, 'shop.test'), undefined, target)
})

test('what would be ignored in silence is refused', () => {
  const wrong: [Partial<Route>, RegExp][] = [
    [{ methods: ['get'] }, /method 'get'.*capitals/],
    [{ cache: {} as never }, /immutable/],
    [{ cache: { immutable: true, ttl: 1 } as never }, /ttl/],
    [{ path: '/a%2Fb' }, /refuses/],
  ]
  for (const [route, message] of wrong) assert.throws(() => readyRoutes([{ path: '/*', to: 'x', ...route }]), message)
})
