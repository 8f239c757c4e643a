import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Declaration } from '../../block.ts'
import { registry } from '../../telemetry.ts'
import type { Bucket, BucketOptions } from './bucket.ts'
import { contextOf } from './conformance/harness.ts'
import { codeOf } from './file.ts'
import { bucket } from './index.ts'

test('is declared for a blueprint and opened alone, with the types of both', async () => {
  const declared: Declaration<Bucket, BucketOptions> = bucket({ maxBytes: '50mb', because: 'photos are large' })
  assert.equal(declared.kind, 'bucket')
  assert.deepEqual(declared.schemes, ['file', 'memory'])
  await using photos: Bucket = await bucket('photos', { url: 'memory:' })
  assert.deepEqual([photos.name, photos.kind, photos.driver], ['photos', 'bucket', 'memory'])
})

test('without a URL keeps files in the service’s folder, whatever the database is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-alone-'))
  const before = process.cwd()
  process.chdir(folder)
  process.env.DATABASE_URL = 'postgres://127.0.0.1:1/nowhere'
  try {
    await using photos = await bucket('photos')
    await photos.put('k', 'x')
    assert.equal(photos.driver, 'file')
    assert.deepEqual(await readdir(join(folder, '.ashlar')), ['buckets'])
  } finally {
    delete process.env.DATABASE_URL
    process.chdir(before)
    await rm(folder, { recursive: true })
  }
})

test('refuses options and URLs that it does not know, and says what it knows', async () => {
  assert.throws(() => bucket({ maxSize: 1 } as never), { code: 'invalid_argument', message: /maxSize.*maxBytes/ })
  for (const maxBytes of [0, '6000gb', '10mib', -1] as never[])
    assert.throws(() => bucket({ maxBytes }), { code: 'invalid_argument', message: /maxBytes/ })
  const open = (url: string) => bucket('photos', { url })
  await assert.rejects(open('s4://x'), { code: 'unsupported', message: /file: memory:/ })
  await assert.rejects(open('postgres://x/y'), { code: 'unsupported' })
  await assert.rejects(open('memory:?limit=1'), { code: 'invalid_argument', message: /'limit'.*public/ })
  await assert.rejects(open('file:./photos'), { code: 'invalid_argument', message: /file:\/\/\/absolute/ })
  await assert.rejects(open('file:?public=ftp://x'), { code: 'invalid_argument', message: /https:/ })
  await assert.rejects(bucket('no spaces', { url: 'memory:' }), { code: 'invalid_argument' })
  await assert.rejects(open('file:///dev/null/x'), (error: { code: string }) => error.code !== undefined)
})

test('links without a secret or a public address are refused with what to do', async () => {
  const memory = { ...contextOf('memory:') }
  const { publicUrl: _, ...nowhere } = memory
  for (const [context, message] of [
    [{ ...memory, secret: 'short' }, /ASHLAR_SECRET/],
    [nowhere, /public/],
  ] as const) {
    await using photos = await bucket().open(context)
    await assert.rejects(photos.uploadLink('k'), { code: 'unsupported', message })
    await assert.rejects(photos.downloadLink('k'), { code: 'unsupported', message })
    assert.throws(() => photos.access(), { code: 'unsupported', message })
    const answer = await photos.endpoint!(new Request('http://127.0.0.1/s3/photos/k'))
    assert.ok(answer.status >= 500)
    assert.doesNotMatch(await answer.text(), /short/)
  }
})

test('credentials follow from secret and bucket, and differ for each', async () => {
  const context = contextOf('memory:')
  await using photos = await bucket().open(context)
  await using again = await bucket().open(context)
  await using other = await bucket().open({ ...context, name: 'videos' })
  await using rotated = await bucket().open({ ...context, secret: context.secret + '2' })
  assert.deepEqual(photos.access(), again.access())
  assert.equal(photos.access().bucket, 'shop.photos')
  assert.equal(photos.access().endpoint, 'http://127.0.0.1:8080/s3')
  for (const different of [other, rotated]) {
    assert.notEqual(different.access().accessKeyId, photos.access().accessKeyId)
    assert.notEqual(different.access().secretAccessKey, photos.access().secretAccessKey)
  }
  assert.ok(!JSON.stringify(photos).includes(photos.access().secretAccessKey))
})

test('a link is for the public address, the bucket’s full name and the key', async () => {
  await using photos = await bucket().open(contextOf('memory:?public=https://img.example.com/'))
  const { url } = await photos.downloadLink('a b/ü.png')
  assert.ok(url.startsWith('https://img.example.com/s3/shop.photos/a%20b/%C3%BC.png?X-Amz-'))
})

test('measures what moves and what is there', async () => {
  await using photos = await bucket('measured', { url: 'memory:' })
  await photos.put('k', '12345')
  await (await photos.get('k', { range: 'bytes=0-1' }))!.text()
  await assert.rejects(photos.put('', 'x'))
  const text = await registry.metrics()
  assert.match(text, /ashlar_bucket_moved_bytes_total\{block="measured",driver="memory",direction="written"\} 5/)
  assert.match(text, /ashlar_bucket_moved_bytes_total\{block="measured",driver="memory",direction="read"\} 2/)
  assert.match(text, /ashlar_bucket_bytes\{block="measured",driver="memory"\} 5/)
  assert.match(
    text,
    /ashlar_operation_seconds_count\{kind="bucket",block="measured",driver="memory",operation="put",outcome="ok"\} 1/,
  )
  await photos.close()
  assert.doesNotMatch(await registry.metrics(), /ashlar_bucket_bytes\{block="measured"/)
})

test('errors of the disk and the index get their codes', () => {
  const sqlite = (errcode: number) => Object.assign(new Error(), { code: 'ERR_SQLITE_ERROR', errcode })
  assert.equal(codeOf(sqlite(13)), 'exhausted')
  assert.equal(codeOf(sqlite(5)), 'unavailable')
  assert.equal(codeOf(sqlite(261)), 'unavailable')
  assert.equal(codeOf(sqlite(11)), undefined)
  for (const [code, expected] of [
    ['ENOSPC', 'exhausted'],
    ['EDQUOT', 'exhausted'],
    ['EMFILE', 'exhausted'],
    ['EACCES', 'unauthorized'],
    ['EROFS', 'unauthorized'],
    ['EIO', undefined],
  ] as const)
    assert.equal(codeOf(Object.assign(new Error(), { code })), expected)
  assert.equal(codeOf(undefined), undefined)
})
