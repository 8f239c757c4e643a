import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchRoute, readyRoutes, safePath } from './routes.ts'

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
