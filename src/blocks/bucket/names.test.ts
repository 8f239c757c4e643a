import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkContentType, checkMetadata } from './checks.ts'
import { attachment, isPassive, safeHeaders } from './disposition.ts'
import type { ObjectInfo } from './driver.ts'
import { checkKey, successor } from './key.ts'
import { pageOf } from './page.ts'
import { choose, etagOf } from './parts.ts'

test('a file name of any text makes a header of ASCII that carries it exactly', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (text) => {
      // eslint-disable-next-line no-control-regex
      const name = text.replace(/[\x00-\x1f\x7f/\\]/g, '_').slice(0, 255)
      if (!name.isWellFormed()) return true
      const header = attachment(name)
      new Headers({ 'content-disposition': header })
      const exact = /filename\*=UTF-8''(\S+)$/.exec(header)?.[1]
      const plain = /filename="([^"]*)"/.exec(header)![1]
      return /^[\x20-\x7e]+$/.test(header) && (exact ? decodeURIComponent(exact) : plain) === name
    }),
  )
})

test('a file name with a line break, a slash or half a character is refused', () => {
  for (const name of ['a\r\nb', 'a\nb', 'a\0b', '../a', 'a\\b', '', 'half \udc00', 'x'.repeat(256)])
    assert.throws(() => attachment(name), { code: 'invalid_argument', message: /downloadAs/ })
})

test('only types that a browser merely shows are passive', () => {
  for (const type of [
    'image/png',
    'image/avif',
    'video/mp4',
    'audio/ogg',
    'text/plain; charset=utf-8',
    'application/pdf',
    'font/woff2',
    'IMAGE/JPEG',
  ])
    assert.equal(isPassive(type), true, type)
  for (const type of [
    'text/html',
    'image/svg+xml',
    'Image/SVG+xml',
    'image/svg',
    'text/xml',
    'application/xhtml+xml',
    'text/javascript',
    'application/javascript',
    'application/x-javascript',
    'image/png, text/html',
    'text/html;image/png',
    ' ',
    '',
    'multipart/x-mixed-replace',
    'application/rss+xml',
    'image/foo+xml',
    'text/css',
  ])
    assert.equal(isPassive(type), false, type)
  assert.equal(safeHeaders('text/html', 'inline')['content-disposition'], 'attachment')
  assert.equal(safeHeaders('text/html', 'attachment; filename="a"')['content-disposition'], 'attachment; filename="a"')
  assert.equal(safeHeaders('image/png', 'inline')['content-disposition'], 'inline')
  assert.equal(safeHeaders('image/png')['content-disposition'], undefined)
})

test('a content type is one media type', () => {
  for (const type of ['image/png', 'text/plain; charset=utf-8', 'text/plain;charset="utf-8"', 'application/vnd.x+json'])
    assert.equal(checkContentType(type), type)
  for (const type of [
    '',
    'png',
    'image/png, text/html',
    'text/plain;',
    'a/b\r\nx: y',
    'a/b; c="\n"',
    'a/' + 'b'.repeat(300),
  ])
    assert.throws(() => checkContentType(type), { code: 'invalid_argument', message: /media type/ }, type)
})

test('metadata is lower-case names and plain text, 2 KB in all', () => {
  assert.deepEqual(checkMetadata({ a: 'b', 'c-d': '' }), { a: 'b', 'c-d': '' })
  for (const metadata of [
    { A: 'b' },
    { '': 'b' },
    { 'a b': 'c' },
    { a: 'b\n' },
    { a: ' b' },
    { a: 7 },
    { a: 'x'.repeat(2048) },
    { a: '\ud800' },
  ])
    assert.throws(() => checkMetadata(metadata as Record<string, string>), {
      code: 'invalid_argument',
      message: /metadata/,
    })
})

test('keys are compared byte by byte, beyond U+FFFF too', () => {
  assert.ok(compareKeys('\uff5e', '😀') < 0)
  assert.ok(Buffer.compare(successor('a/'), Buffer.from('a/\u{10ffff}')) > 0)
  assert.ok(Buffer.compare(successor('\u{10ffff}'), Buffer.from('\u{10ffff}x')) > 0)
  assert.equal(checkKey('..'), '..')
})

test('any pages of any keys, folded or not, join to the whole in order', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\uff5e', '😀'), minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 30 }),
      fc.constantFrom('', 'a', 'a/', '/'),
      fc.boolean(),
      fc.integer({ min: 1, max: 7 }),
      (keys, prefix, folds, limit) => {
        const seen: string[] = []
        let after: string | undefined
        for (let pages = 0; pages < 100; pages++) {
          const page = pageOf(
            { prefix, limit, ...(folds && { delimiter: '/' }), ...(after === undefined ? {} : { after }) },
            seeker(keys),
          )
          const entries = [...page.objects.map((each) => each.key), ...page.prefixes].toSorted(compareKeys)
          assert.ok(entries.length <= limit)
          seen.push(...entries)
          if (page.next === undefined) break
          after = page.next
        }
        assert.deepEqual(seen, expected(keys, prefix, folds))
      },
    ),
  )
})

function seeker(keys: string[]) {
  const sorted = keys.toSorted(compareKeys)
  return (from: Buffer, inclusive: boolean, count: number) =>
    sorted
      .filter((key) => Buffer.compare(Buffer.from(key), from) >= (inclusive ? 0 : 1))
      .slice(0, count)
      .map((key) => ({ key }) as ObjectInfo)
}

function expected(keys: string[], prefix: string, folds: boolean): string[] {
  const entries = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = folds ? key.indexOf('/', prefix.length) : -1
      return at < 0 ? key : key.slice(0, at + 1)
    })
  return [...new Set(entries)].toSorted(compareKeys)
}

test('parts are chosen by number and etag, and their etag is S3’s', () => {
  const part = { number: 1, size: 1, etag: '"0cc175b9c0f1b6a831c399e269772661"' }
  assert.deepEqual(choose([part], [{ ...part, size: 99 }], 10), [part])
  assert.throws(() => choose([part], [{ ...part, etag: '"x"' }], 10), { reason: 'bad_part' })
  assert.throws(() => choose([{ ...part, size: 11 }], [part], 10), { reason: 'too_large' })
  assert.match(etagOf([part, part]), /^"[0-9a-f]{32}-2"$/)
})

/** Order of keys: byte by byte in UTF-8. JavaScript's own order differs beyond U+FFFF. */
function compareKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
