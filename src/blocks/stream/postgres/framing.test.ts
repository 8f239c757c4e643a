import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBatch, encodeBatch, framedBytes } from './framing.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)))
const records = fc.array(
  fc.record({ key: bytes, value: bytes, headers: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }) }),
  { maxLength: 20 },
)

test('a batch comes back as it was, with offsets from its base', () => {
  fc.assert(
    fc.property(records, fc.nat(2 ** 40), (sent, base) => {
      const payload = encodeBatch(sent)
      assert.equal(
        payload.length,
        sent.reduce((sum, each) => sum + framedBytes(each), 1),
      )
      const expected = sent.map((each, n) => ({ ...each, offset: base + n, timestamp: 5 }))
      assert.deepEqual(decodeBatch(base, 5, payload), expected)
    }),
  )
})

test('a batch of a later form, or one that is cut off, is an error and not nonsense', () => {
  const payload = encodeBatch([{ key: null, value: Buffer.from('abc'), headers: {} }])
  assert.throws(() => decodeBatch(0, 0, Buffer.from([9])), /version 9/)
  for (let length = 2; length < payload.length; length++)
    assert.throws(() => decodeBatch(0, 0, payload.subarray(0, length)))
})
