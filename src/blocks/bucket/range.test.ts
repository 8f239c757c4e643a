import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentRange, resolveRange } from './range.ts'

test('a suffix of nothing is nothing, a suffix of no length cannot be met', () => {
  assert.equal(resolveRange('bytes=-5', 0), 'whole')
  assert.equal(resolveRange('bytes=-0', 3), 'unsatisfiable')
  assert.equal(resolveRange('bytes=-0', 0), 'unsatisfiable')
  assert.equal(resolveRange('bytes=0-', 0), 'unsatisfiable')
  assert.equal(resolveRange('bytes=0-5', 0), 'unsatisfiable')
})

test('what is not the grammar, runs backwards, or asks for several is ignored', () => {
  for (const header of [
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=2-1',
    'bytes=0-1,2-3',
    'bytes= -',
    'byte=0-1',
    'bytes=0x1-2',
    'bytes=1-2-3',
    'bytes=+1-2',
    'bytes=1.0-2',
    'x bytes=0-1',
  ])
    assert.equal(resolveRange(header, 10), 'ignored', header)
})

test('numbers may be of any length', () => {
  const huge = '9'.repeat(400)
  assert.deepEqual(resolveRange(`bytes=1-${huge}`, 10), { start: 1, end: 9 })
  assert.deepEqual(resolveRange(`bytes=-${huge}`, 10), { start: 0, end: 9 })
  assert.equal(resolveRange(`bytes=${huge}-`, 10), 'unsatisfiable')
  assert.equal(resolveRange('bytes=9007199254740993-9007199254740992', 10), 'ignored')
  assert.deepEqual(resolveRange('bytes=0001-0002', 10), { start: 1, end: 2 })
})

test('a range that is met lies within the object and is not empty', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.option(fc.nat(60)), fc.option(fc.nat(60)), (size, first, last) => {
      const asked = resolveRange(`bytes=${first ?? ''}-${last ?? ''}`, size)
      if (typeof asked !== 'object') return true
      return asked.start >= 0 && asked.start <= asked.end && asked.end < size
    }),
  )
})

test('is written as RFC 9110 has it', () => {
  assert.equal(contentRange({ start: 0, end: 4 }, 10), 'bytes 0-4/10')
})
