import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cameraOf, readExif } from './exif.ts'

test('a maker is not named twice', () => {
  assert.equal(cameraOf('Canon', 'Canon EOS R5'), 'Canon EOS R5')
  assert.equal(cameraOf('NIKON CORPORATION', 'NIKON Z 7II'), 'NIKON Z 7II')
  assert.equal(cameraOf('SONY', 'ILCE-7RM5'), 'SONY ILCE-7RM5')
  assert.equal(cameraOf('', ''), undefined)
})

test('broken EXIF gives nothing and harms nothing', () => {
  assert.deepEqual(readExif(undefined), {})
  assert.deepEqual(readExif(Buffer.from('Exif\0\0')), {})
  // Little-endian TIFF; 65,535 entries announced; the first points back to its own directory.
  const loop = Buffer.from('45786966000049492a0008000000ffff698704000100000008000000', 'hex')
  assert.deepEqual(readExif(loop), {})
  for (let length = 0; length < loop.length; length++) assert.deepEqual(readExif(loop.subarray(0, length)), {})
})

test('no text ends in half a character, which no database would store', () => {
  const model = Buffer.from('y'.repeat(99) + '😀\0')
  // Little-endian TIFF; one entry: the model, whose text follows.
  const head = Buffer.from('45786966000049492a0008000000010010010200000000001a00000000000000', 'hex')
  head.writeUInt32LE(model.length, 20)
  assert.deepEqual(readExif(Buffer.concat([head, model])), { camera: 'y'.repeat(99) })
})
