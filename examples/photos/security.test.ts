import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOwn, safePath } from './security.ts'

const from = (headers: Record<string, string>) => isOwn(new Headers({ host: 'shutter.example', ...headers }))

test('only pages of the site itself may change things', () => {
  assert.equal(from({ 'sec-fetch-site': 'same-origin' }), true)
  assert.equal(from({ 'sec-fetch-site': 'cross-site' }), false)
  assert.equal(from({ 'sec-fetch-site': 'same-site' }), false)
  assert.equal(from({ origin: 'https://shutter.example' }), true)
  assert.equal(from({ origin: 'https://evil.example' }), false)
  assert.equal(from({ origin: 'null' }), false)
  assert.equal(from({}), true)
})

test('a log-in leads to no other site', () => {
  assert.equal(safePath('/photo/1?x=2'), '/photo/1?x=2')
  for (const evil of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '',
    '/\t/evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '/./\\evil.example',
    '/a/..//evil.example',
  ])
    assert.equal(safePath(evil), '/')
})
