import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Studio } from './studio.ts'

test('pictures are worked on in another process, which answers each task with its own result', async () => {
  const studio = new Studio()
  const bad = studio.ask('prepare', Buffer.from('no picture'))
  const portrait = await studio.ask('drawPortrait', 0)
  assert.equal(Buffer.from(portrait).subarray(8, 12).toString(), 'WEBP')
  assert.deepEqual(await bad, { unusable: 'The file is not a picture, or it is damaged.' })
})

test('a task that fails fails alone', async () => {
  const studio = new Studio()
  await assert.rejects(studio.ask('drawPortrait', 99), /undefined/)
  assert.ok(await studio.ask('drawPortrait', 1))
})
