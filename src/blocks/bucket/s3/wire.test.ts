import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ObjectInfo } from '../driver.ts'
import { checksumOf, crc32c } from './checksum.ts'
import { ChunkedBody } from './chunked.ts'
import { evaluate, rangeApplies } from './conditions.ts'
import { metadataFrom, metadataHeaders } from './metadata.ts'
import { child, element, parseXml, xml } from './xml.ts'

test('XML gives back every text that XML can hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const node = parseXml(xml(element('Delete', [element('Key', text)])))
      return node?.name === 'Delete' && child(node, 'Key') === text
    }),
  )
})

test('XML refuses document types, entities, CDATA and what is not well-formed', () => {
  for (const source of [
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a>&b;</a>',
    '<a>&#x110000;</a>',
    '<a>&#xd800;</a>',
    '<a>&</a>',
    '<a><![CDATA[x]]></a>',
    '<a><b></a></b>',
    '<a>',
    '</a>',
    '<a/><b/>',
    'text',
    '',
    '<a>'.repeat(20),
  ])
    assert.equal(parseXml(source), undefined, source)
  assert.equal(parseXml('<?xml version="1.0"?>\n<a x="1">b<!-- c --></a>\n')?.text, 'b')
})

async function decode(body: string, cut = 3): Promise<{ text: string; trailers: unknown }> {
  const bytes = Buffer.from(body, 'latin1')
  const source = (async function* () {
    for (let at = 0; at < bytes.length; at += cut) yield bytes.subarray(at, at + cut)
  })()
  const chunked = new ChunkedBody(source)
  let text = ''
  for await (const piece of chunked.read()) text += piece.toString('latin1')
  return { text, trailers: chunked.trailers }
}

test('aws-chunked is decoded however it was cut', async () => {
  const body =
    '5\r\nhello\r\n6;chunk-signature=' + 'a'.repeat(64) + '\r\n world\r\n0\r\nX-Amz-Checksum-Crc32: abc=\r\n\r\n'
  for (const cut of [1, 2, 7, 1000]) {
    const { text, trailers } = await decode(body, cut)
    assert.equal(text, 'hello world')
    assert.deepEqual(trailers, [{ name: 'x-amz-checksum-crc32', value: 'abc=' }])
  }
  assert.equal((await decode('0\r\n\r\n')).text, '')
})

test('aws-chunked that is cut short, too long or malformed is refused', async () => {
  for (const body of [
    '',
    '5\r\nhel',
    '5\r\nhello\r\n',
    '5\r\nhello',
    '4\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\n',
    '5\r\nhello\r\n0\r\n\r\nmore',
    'x\r\nhello\r\n0\r\n\r\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    'fffffffffffff\r\n',
    '0\r\nno colon\r\n\r\n',
    'a'.repeat(20_000),
  ])
    await assert.rejects(decode(body, 1000), { code: 'IncompleteBody' }, body.slice(0, 30))
})

test('checksums are those of their standards', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  const halves = crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))
  assert.equal(halves, 0xe3069283)
  const crc32 = checksumOf('x-amz-checksum-crc32')
  crc32.update(Buffer.from('123456789'))
  assert.equal(crc32.digest(), Buffer.from('cbf43926', 'hex').toString('base64'))
  const sha = checksumOf('x-amz-checksum-sha256')
  sha.update(Buffer.from('a'))
  assert.equal(sha.digest(), createHash('sha256').update('a').digest('base64'))
  assert.throws(() => checksumOf('x-amz-checksum-crc64nvme'), { code: 'NotImplemented' })
})

test('metadata beyond ASCII travels as RFC 2047 words and comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      // eslint-disable-next-line no-control-regex
      const value = text.replace(/[\x00-\x1f\x7f]/g, '').trim()
      const headers = new Map(Object.entries(metadataHeaders({ note: value })))
      return /^[\x20-\x7e]*$/.test(headers.get('x-amz-meta-note')!) && metadataFrom(headers).note === value
    }),
  )
  const quoted = new Map([['x-amz-meta-a', '=?UTF-8?Q?gr=C3=BCn?= =?utf-8?b?IQ==?=']])
  assert.deepEqual(metadataFrom(quoted), { a: 'grün!' })
})

test('conditions are weighed in the order of RFC 9110', () => {
  const info = { etag: '"abc"', modifiedAt: new Date('2026-01-02T03:04:05.678Z') } as ObjectInfo
  const weigh = (headers: Record<string, string>) => evaluate(new Map(Object.entries(headers)), info)
  const same = 'Fri, 02 Jan 2026 03:04:05 GMT'
  const before = 'Fri, 02 Jan 2026 03:04:04 GMT'
  assert.equal(weigh({}), 'go')
  assert.equal(weigh({ 'if-match': '"x", "abc"' }), 'go')
  assert.equal(weigh({ 'if-match': 'abc' }), 'go')
  assert.equal(weigh({ 'if-match': '*' }), 'go')
  assert.equal(weigh({ 'if-match': '"x"' }), 412)
  assert.equal(weigh({ 'if-match': '"abc"', 'if-unmodified-since': before }), 'go')
  assert.equal(weigh({ 'if-unmodified-since': before }), 412)
  assert.equal(weigh({ 'if-unmodified-since': same }), 'go')
  assert.equal(weigh({ 'if-none-match': 'W/"abc"' }), 304)
  assert.equal(weigh({ 'if-none-match': '"x"', 'if-modified-since': same }), 'go')
  assert.equal(weigh({ 'if-modified-since': same }), 304)
  assert.equal(weigh({ 'if-modified-since': before }), 'go')
  assert.equal(weigh({ 'if-modified-since': 'yesterday' }), 'go')
  assert.equal(rangeApplies(new Map([['if-range', '"abc"']]), '"abc"'), true)
  assert.equal(rangeApplies(new Map([['if-range', '"old"']]), '"abc"'), false)
})
