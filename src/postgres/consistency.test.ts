import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareLsn, isLsn, readingOwnWrites, wroteAt, writtenUpTo, type WrittenUpTo } from './consistency.ts'

test('orders positions by number, not by text', () => {
  assert.ok(compareLsn('0/9', '0/10') < 0)
  assert.ok(compareLsn('10/0', '9/FFFFFFFF') > 0)
  assert.equal(compareLsn('0/16b3748', '0/16B3748'), 0)
})

test('knows a position when it sees one', () => {
  for (const text of ['0/0', 'FFFFFFFF/FFFFFFFF', '0/16b3748']) assert.ok(isLsn(text), text)
  for (const text of ['', '0', '0/', '0/123456789', 'x/1', ' 0/1', '0/1\n']) assert.ok(!isLsn(text), text)
})

test('a position belongs to the request it was made for, and never goes back', async () => {
  const one: WrittenUpTo = { lsn: undefined }
  await readingOwnWrites(one, async () => {
    wroteAt('0/20')
    await Promise.resolve()
    wroteAt('0/10')
    assert.equal(writtenUpTo(), one)
  })
  assert.equal(one.lsn, '0/20')
  assert.equal(writtenUpTo(), undefined)
  wroteAt('0/99') // outside of any request it is nobody's
})

test('a position from a log that was lost does not hide what is written now', () => {
  const brought: WrittenUpTo = { lsn: 'FFFF/0' }
  readingOwnWrites(brought, () => wroteAt('0/20'))
  assert.equal(brought.lsn, '0/20')
})
