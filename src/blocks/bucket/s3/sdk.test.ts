import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { oddKeys } from '../conformance/objects.ts'
import { pattern } from '../conformance/ask.ts'
import { serve } from './serve.fixture.ts'

const Bucket = 'photos'

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'success',
    (error: Error) => error.name,
  )
}

test('the AWS SDK puts, heads and gets an object with its type and metadata', async () => {
  await using served = await serve()
  const s3 = served.client()
  const put = await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: 'a/sun.jpg',
      Body: 'bright',
      ContentType: 'image/jpeg',
      Metadata: { by: 'ada' },
    }),
  )
  assert.equal(put.ETag, `"${createHash('md5').update('bright').digest('hex')}"`)
  assert.ok(put.ChecksumCRC32)
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a/sun.jpg' }))
  assert.deepEqual(
    [head.ContentLength, head.ContentType, head.Metadata, head.ETag],
    [6, 'image/jpeg', { by: 'ada' }, put.ETag],
  )
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a/sun.jpg' }))
  assert.equal(await got.Body!.transformToString(), 'bright')
  assert.equal(await (await served.photos.get('a/sun.jpg'))!.text(), 'bright')
  await s3.send(new HeadBucketCommand({ Bucket }))
})

test('the AWS SDK streams a body of unknown hash, in aws-chunked with a trailer', async () => {
  await using served = await serve()
  const bytes = pattern(3_000_000, 1)
  const body = Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)])
  const put = await served
    .client()
    .send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, ContentLength: bytes.length }))
  assert.ok(put.ChecksumCRC32)
  assert.ok(Buffer.from(await (await served.photos.get('k'))!.bytes()).equals(bytes))
})

test('the AWS SDK may choose SHA-1, SHA-256 and CRC-32C checksums, and none', async () => {
  await using served = await serve()
  const s3 = served.client()
  for (const ChecksumAlgorithm of ['SHA1', 'SHA256', 'CRC32', 'CRC32C'] as const) {
    await s3.send(new PutObjectCommand({ Bucket, Key: ChecksumAlgorithm, Body: 'body', ChecksumAlgorithm }))
    const stream = Readable.from([Buffer.from('body')])
    await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: stream, ContentLength: 4, ChecksumAlgorithm }))
  }
  const plain = served.client({ requestChecksumCalculation: 'WHEN_REQUIRED' })
  await plain.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'body' }))
  assert.equal((await served.photos.list()).objects.length, 6)
  const wrong = new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'body', ChecksumSHA256: 'A'.repeat(43) + '=' })
  assert.equal(await code(s3.send(wrong)), 'BadDigest')
  const md5 = new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'body', ContentMD5: 'A'.repeat(22) + '==' })
  assert.equal(await code(s3.send(md5)), 'BadDigest')
  assert.equal(await served.photos.head('wrong'), undefined)
})

test('the AWS SDK reads ranges and conditions as S3 gives them', async () => {
  await using served = await serve()
  const s3 = served.client()
  const { etag } = await served.photos.put('k', '0123456789')
  await served.photos.put('empty', '')
  const get = (more: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'k', ...more }))
  const ranged = await get({ Range: 'bytes=2-4' })
  assert.equal(ranged.ContentRange, 'bytes 2-4/10')
  assert.equal(await ranged.Body!.transformToString(), '234')
  const many = await get({ Range: 'bytes=0-0,2-2' })
  assert.equal(await many.Body!.transformToString(), '0123456789')
  assert.equal(await code(get({ Range: 'bytes=10-' })), 'InvalidRange')
  assert.equal(await code(get({ Range: 'bytes=-0' })), 'InvalidRange')
  const suffix = await get({ Key: 'empty', Range: 'bytes=-5' })
  assert.equal(suffix.ContentRange, undefined)
  assert.equal(await suffix.Body!.transformToString(), '')
  assert.equal((await get({ IfNoneMatch: etag }).catch((error) => error)).$metadata.httpStatusCode, 304)
  assert.equal(await code(get({ IfMatch: '"other"' })), 'PreconditionFailed')
  assert.equal(await (await get({ IfMatch: etag })).Body!.transformToString(), '0123456789')
  assert.equal(await code(get({ Key: 'none' })), 'NoSuchKey')
  assert.equal(await code(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' }))), 'NotFound')
})

test('the AWS SDK puts on a condition', async () => {
  await using served = await serve()
  const s3 = served.client()
  const put = (more: object) => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...more }))
  const { ETag } = await put({ IfNoneMatch: '*' })
  assert.equal(await code(put({ IfNoneMatch: '*' })), 'PreconditionFailed')
  assert.equal(await code(put({ IfMatch: '"other"' })), 'PreconditionFailed')
  assert.equal(await code(put({ IfMatch: ETag, Key: 'absent' })), 'NoSuchKey')
  await put({ IfMatch: ETag })
  const races = await Promise.all(Array.from({ length: 8 }, () => code(put({ Key: 'race', IfNoneMatch: '*' }))))
  assert.equal(races.filter((outcome) => outcome === 'success').length, 1)
})

test('the AWS SDK lists every page, folded and not, and deletes many', async () => {
  await using served = await serve()
  const s3 = served.client()
  const keys = [
    ...Array.from({ length: 25 }, (_, at) => `d${at % 3}/${String(at).padStart(2, '0')}`),
    '<&">',
    '報告/書.pdf',
    'a+b c',
  ]
  for (const key of keys) await served.photos.put(key, key)
  const listed: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 7, ContinuationToken }))
    assert.equal(page.KeyCount, page.Contents!.length)
    listed.push(...page.Contents!.map(({ Key }) => Key!))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  assert.deepEqual(listed.toSorted(), keys.toSorted())
  const folded = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
  assert.deepEqual(
    folded.CommonPrefixes!.map(({ Prefix }) => Prefix),
    ['d0/', 'd1/', 'd2/', '報告/'],
  )
  const after = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'd2/', StartAfter: 'd2/20' }))
  assert.deepEqual(
    after.Contents!.map(({ Key }) => Key),
    ['d2/23'],
  )
  const encoded = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a', EncodingType: 'url' }))
  assert.deepEqual(
    encoded.Contents!.map(({ Key }) => Key),
    ['a%2Bb%20c'],
  )
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }))
  assert.equal(gone.Deleted!.length, keys.length)
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0)
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'none' }))
})

test('the AWS SDK lists after a key inside a folded group as S3 does', async () => {
  await using served = await serve()
  for (const key of ['a/1', 'a/2', 'b']) await served.photos.put(key, '')
  const list = (StartAfter: string) =>
    served.client().send(new ListObjectsV2Command({ Bucket, Delimiter: '/', StartAfter }))
  assert.deepEqual(
    (await list('a/1')).CommonPrefixes?.map(({ Prefix }) => Prefix),
    ['a/'],
  )
  assert.equal((await list('a/2')).CommonPrefixes, undefined)
})

test('the AWS SDK uploads in parts, and aborts', async () => {
  await using served = await serve()
  const s3 = served.client()
  const parts = [pattern(5 * 1024 ** 2, 1), Buffer.from('the end')]
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k', ContentType: 'video/mp4' }))
  const of = { Bucket, Key: 'k', UploadId }
  const done = []
  for (const [at, Body] of parts.entries()) {
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...of, PartNumber: at + 1, Body }))
    done.push({ PartNumber: at + 1, ETag, ChecksumCRC32 })
  }
  const wrong = { Parts: done.toReversed() }
  assert.equal(
    await code(s3.send(new CompleteMultipartUploadCommand({ ...of, MultipartUpload: wrong }))),
    'InvalidPartOrder',
  )
  const finished = await s3.send(new CompleteMultipartUploadCommand({ ...of, MultipartUpload: { Parts: done } }))
  assert.match(finished.ETag!, /^"[0-9a-f]{32}-2"$/)
  assert.ok(Buffer.from(await (await served.photos.get('k'))!.bytes()).equals(Buffer.concat(parts)))
  const second = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'other' }))
  const late = { Bucket, Key: 'other', UploadId: second.UploadId! }
  await s3.send(new AbortMultipartUploadCommand(late))
  assert.equal(await code(s3.send(new UploadPartCommand({ ...late, PartNumber: 1, Body: 'x' }))), 'NoSuchUpload')
})

test('a URL that the AWS SDK presigned works for the body that comes, checksums of none notwithstanding', async () => {
  await using served = await serve()
  const s3 = served.client()
  for (const client of [s3, served.client({ requestChecksumCalculation: 'WHEN_REQUIRED' })]) {
    const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'k', ContentType: 'text/plain' }), {
      expiresIn: 60,
      signableHeaders: new Set(['content-type']),
    })
    const answer = await fetch(put, { method: 'PUT', body: '12345', headers: { 'content-type': 'text/plain' } })
    assert.equal(answer.status, 200, await answer.text())
  }
  const command = new GetObjectCommand({ Bucket, Key: 'k', ResponseContentDisposition: 'attachment; filename="x.txt"' })
  const got = await fetch(await getSignedUrl(s3, command, { expiresIn: 60 }))
  assert.equal(await got.text(), '12345')
  assert.equal(got.headers.get('content-disposition'), 'attachment; filename="x.txt"')
  const metadata = new PutObjectCommand({ Bucket, Key: 'm', Metadata: { by: 'ada' }, Body: '' })
  assert.equal((await fetch(await getSignedUrl(s3, metadata), { method: 'PUT', body: 'x' })).status, 200)
  assert.deepEqual((await served.photos.head('m'))!.metadata, { by: 'ada' })
})

test('a presigned URL is refused when it is expired, not valid yet, longer than 7 days, or of another secret', async () => {
  await using served = await serve()
  await served.photos.put('k', 'x')
  const command = () => new GetObjectCommand({ Bucket, Key: 'k' })
  const fetched = async (url: string) => {
    const answer = await fetch(url)
    return [answer.status, /<Code>(\w+)</.exec(await answer.text())?.[1]]
  }
  const at = (offsetMs: number) => new Date(Date.now() + offsetMs)
  const s3 = served.client()
  assert.deepEqual(await fetched(await getSignedUrl(s3, command(), { expiresIn: 60, signingDate: at(-61_000) })), [
    403,
    'AccessDenied',
  ])
  assert.deepEqual(await fetched(await getSignedUrl(s3, command(), { expiresIn: 60, signingDate: at(16 * 60_000) })), [
    403,
    'AccessDenied',
  ])
  const valid = await getSignedUrl(s3, command(), { expiresIn: 60 })
  assert.deepEqual(await fetched(valid.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801')), [
    400,
    'AuthorizationQueryParametersError',
  ])
  assert.deepEqual(await fetched(valid.replace('X-Amz-Expires=60', 'X-Amz-Expires=61')), [403, 'SignatureDoesNotMatch'])
  assert.deepEqual(await fetched(valid + '&x=1'), [403, 'SignatureDoesNotMatch'])
  const { accessKeyId } = served.photos.access()
  const stranger = served.client({ credentials: { accessKeyId, secretAccessKey: 'another' } })
  assert.deepEqual(await fetched(await getSignedUrl(stranger, command())), [403, 'SignatureDoesNotMatch'])
  assert.equal(await code(stranger.send(command())), 'SignatureDoesNotMatch')
  const unknown = served.client({ credentials: { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'x' } })
  assert.equal(await code(unknown.send(command())), 'InvalidAccessKeyId')
})

test('what is not supported is refused, never ignored', async () => {
  await using served = await serve()
  const s3 = served.client()
  const put = (more: object) => code(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...more })))
  for (const more of [
    { ServerSideEncryption: 'AES256' },
    { ACL: 'public-read' },
    { Tagging: 'a=b' },
    { StorageClass: 'GLACIER' },
    { ContentDisposition: 'inline' },
    { ContentEncoding: 'gzip' },
    { ChecksumAlgorithm: 'CRC64NVME', ChecksumCRC64NVME: 'AAAAAAAAAAA=' },
  ])
    assert.equal(await put(more), 'NotImplemented', JSON.stringify(more))
  const tagging = new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [] } })
  assert.equal(await code(s3.send(tagging)), 'NotImplemented')
  assert.equal(await code(s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', IfMatch: '"x"' }))), 'NotImplemented')
  assert.equal(await served.photos.head('k'), undefined)
})

test('odd keys go through the AWS SDK unharmed, but for segments of dots, which every URL parser removes', async () => {
  await using served = await serve()
  const s3 = served.client()
  for (const Key of oddKeys) {
    const outcome = await code(s3.send(new PutObjectCommand({ Bucket, Key, Body: Key })))
    const dots = Key.split('/').some((segment) => segment === '.' || segment === '..')
    if (dots) assert.notEqual(outcome, 'success')
    else assert.equal(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString(), Key)
  }
})

test('sixty dropped downloads leave the SDK and the endpoint alive', async () => {
  await using served = await serve()
  await served.photos.put('k', pattern(200_000, 1))
  const clients = [served.client(), served.client()]
  for (let at = 0; at < 30; at++) {
    const got = await clients[0]!.send(new GetObjectCommand({ Bucket, Key: 'k' }))
    assert.equal(got.ContentLength, 200_000)
  }
  const last = await clients[1]!.send(new GetObjectCommand({ Bucket, Key: 'k' }))
  assert.equal((await last.Body!.transformToByteArray()).length, 200_000)
})
