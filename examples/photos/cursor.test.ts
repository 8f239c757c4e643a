import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorAt, readCursor } from './cursor.ts'
import { Refusal } from './refusal.ts'

test('a page goes on exactly after the photo where the last one ended', () => {
  const last = { publishedAt: '2026-11-25T02:22:40.804673Z', id: 'e316f26d-5f24-4520-9202-a0376d9eb98b' }
  assert.deepEqual(readCursor(cursorAt(last)), last)
})

test('page addresses that are not ours are refused', () => {
  for (const text of [
    '',
    '2',
    "2026-11-25T02:22:40.804673Z_' or 1=1",
    '2026-99-25T02:22:40.804673Z_e316f26d-5f24-4520-9202-a0376d9eb98b',
    '2026-02-30T02:22:40.804673Z_e316f26d-5f24-4520-9202-a0376d9eb98b',
    '2026-02-03T24:00:00.000000Z_e316f26d-5f24-4520-9202-a0376d9eb98b',
    '0000-01-01T02:22:40.804673Z_e316f26d-5f24-4520-9202-a0376d9eb98b',
    `2026-11-25T02:22:40.804673Z_${'-'.repeat(36)}`,
  ])
    assert.throws(() => readCursor(text), Refusal)
})
