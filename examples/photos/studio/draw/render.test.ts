import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demoMembers } from '../demo-members.ts'
import { demoPhotos } from '../demo-photos.ts'
import { readExif } from '../exif.ts'
import { pictures } from '../picture.ts'
import { photograph, svgOf } from './render.ts'

test('each demo photo is drawn the same way every time, and like no other', () => {
  const drawings = demoPhotos.map(({ draw, seed, size: [width, height] }) => ({ draw, seed, width, height }))
  const first = drawings.map(svgOf)
  assert.deepEqual(drawings.map(svgOf), first)
  assert.equal(new Set(first).size, demoPhotos.length)
  for (const svg of first) assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
})

test('every demo photo is by a demo member, and no two share a seed', () => {
  const handles = new Set(demoMembers.map(({ handle }) => handle))
  for (const { by, title } of demoPhotos) assert.ok(handles.has(by), title)
  assert.equal(new Set(demoPhotos.map(({ seed }) => seed)).size, demoPhotos.length)
})

test('a drawn photo says what it was taken with, as a camera does', async () => {
  const { draw, seed, camera } = demoPhotos[0]!
  const takenAt = new Date('2026-05-01T04:30:00Z')
  const jpeg = await photograph({ draw, seed, width: 384, height: 256 }, { camera, artist: 'Ada Brandt', takenAt })
  const sharp = await pictures()
  assert.deepEqual(readExif((await sharp(jpeg).metadata()).exif), {
    camera: 'FUJIFILM X-T5',
    lens: 'XF16-55mmF2.8 R LM WR',
    exposure: '1/125 s · f/8 · 35 mm · ISO 160',
    takenAt: '2026-05-01T04:30:00',
  })
})
