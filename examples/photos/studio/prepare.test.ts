import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pictures } from './picture.ts'
import { prepare, type Prepared } from './prepare.ts'

const sharp = await pictures()

/** Taken with the camera turned: stored 1000 by 700, to be shown 700 by 1000. */
const sideways = await sharp({ create: { width: 1000, height: 700, channels: 3, background: '#c04020' } })
  .withExif({
    IFD0: { Make: 'Canon', Model: 'Canon EOS R5' },
    IFD3: { GPSLatitude: '52/1 30/1 0/1' },
  })
  .withMetadata({ orientation: 6 })
  .jpeg()
  .toBuffer()

test('sizes stand upright, up to the original and not above', async () => {
  const made = (await prepare(sideways)) as Prepared
  assert.deepEqual([made.width, made.height], [700, 1000])
  assert.deepEqual(
    made.sizes.map(({ width }) => width),
    [320, 700],
  )
  const { width, height, format } = await sharp(made.sizes[0]!.data).metadata()
  assert.deepEqual([width, height, format], [320, 457, 'webp'])
  assert.match(made.colour, /^#[0-9a-f]{6}$/)
})

test('what goes out carries no metadata; of what came in the camera is kept, the place never', async () => {
  const made = (await prepare(sideways)) as Prepared
  for (const { data } of made.sizes) assert.equal((await sharp(data).metadata()).exif, undefined)
  assert.deepEqual(made.exif, { camera: 'Canon EOS R5' })
})

test('the same picture gives the same bytes, so that its names can last for ever', async () => {
  assert.deepEqual(await prepare(sideways), await prepare(sideways))
})

test('what is no photo is refused with a reason for its owner', async () => {
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
  )
  assert.deepEqual(await prepare(Buffer.from('no picture at all')), {
    unusable: 'The file is not a picture, or it is damaged.',
  })
  assert.deepEqual(await prepare(sideways.subarray(0, 800)), {
    unusable: 'The file is not a picture, or it is damaged.',
  })
  assert.deepEqual(await prepare(svg), { unusable: 'This is a svg file; send JPEG, PNG, WebP or AVIF.' })
})
