import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkSigner } from './chunk-signer.ts'
import {
  canonicalRequest,
  dateText,
  encodePath,
  parseDate,
  presignedQuery,
  sha256,
  signature,
  type Pair,
} from './sigv4.ts'

// The worked examples of the Amazon S3 API reference, "Signature calculations" and "Authenticating requests: query parameters".
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const scope = { date: '20130524T000000Z', region: 'us-east-1', service: 's3' }
const host: Pair = ['host', 'examplebucket.s3.amazonaws.com']
const nothing = sha256('')

function signed(method: string, path: string, query: Pair[], headers: Pair[], payloadHash = nothing): string {
  const all: Pair[] = [host, ['x-amz-content-sha256', payloadHash], ['x-amz-date', scope.date], ...headers]
  return signature(secretAccessKey, scope, { method, path, query, headers: all, payloadHash })
}

test('signs AWS’s example GET with a range', () => {
  const found = signed('GET', '/test.txt', [], [['range', 'bytes=0-9']])
  assert.equal(found, 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
})

test('signs AWS’s example PUT with a body and a key that is encoded', () => {
  const headers: Pair[] = [
    ['date', 'Fri, 24 May 2013 00:00:00 GMT'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
  ]
  const found = signed('PUT', '/test$file.text', [], headers, sha256('Welcome to Amazon S3.'))
  assert.equal(found, '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
})

test('signs AWS’s example of a parameter without a value', () => {
  const found = signed('GET', '/', [['lifecycle', '']], [])
  assert.equal(found, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543')
})

test('signs AWS’s example list', () => {
  const query: Pair[] = [
    ['prefix', 'J'],
    ['max-keys', '2'],
  ]
  assert.equal(signed('GET', '/', query, []), '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
})

test('presigns AWS’s example URL', () => {
  const query = presignedQuery({
    accessKeyId,
    secretAccessKey,
    scope,
    method: 'GET',
    host: 'examplebucket.s3.amazonaws.com',
    path: '/test.txt',
    expiresMs: 86_400_000,
  })
  assert.equal(
    query,
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  )
})

test('signs and checks AWS’s example of chunks', () => {
  const payloadHash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  const headers: Pair[] = [
    ['content-encoding', 'aws-chunked'],
    ['content-length', '66824'],
    ['host', 's3.amazonaws.com'],
    ['x-amz-content-sha256', payloadHash],
    ['x-amz-date', scope.date],
    ['x-amz-decoded-content-length', '66560'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
  ]
  const request = { method: 'PUT', path: '/examplebucket/chunkObject.txt', query: [], headers, payloadHash }
  const seed = signature(secretAccessKey, scope, request)
  assert.equal(seed, '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9')
  const signer = chunkSigner({ scope, signature: seed }, secretAccessKey)
  signer.chunk(Buffer.alloc(65_536, 'a'), 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648')
  signer.chunk(Buffer.alloc(1024, 'a'), '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497')
  signer.chunk(Buffer.alloc(0), 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9')
  assert.throws(
    () => signer.chunk(Buffer.alloc(0), 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'),
    {
      code: 'SignatureDoesNotMatch',
    },
  )
  assert.throws(() => signer.chunk(Buffer.alloc(0), undefined), { code: 'SignatureDoesNotMatch' })
})

test('sorts parameters and headers, folds blanks, and encodes a path once', () => {
  const text = canonicalRequest({
    method: 'GET',
    path: "/a b/+%/報'",
    query: [
      ['b', '2'],
      ['a', 'z'],
      ['a', 'y'],
    ],
    headers: [
      ['x-amz-date', '  two   blanks '],
      ['host', 'h'],
    ],
    payloadHash: 'hash',
  })
  assert.equal(
    text,
    'GET\n/a%20b/%2B%25/%E5%A0%B1%27\na=y&a=z&b=2\nhost:h\nx-amz-date:two blanks\n\nhost;x-amz-date\nhash'.replace(
      "'",
      '%27',
    ),
  )
  assert.equal(encodePath('/x//y/..'), '/x//y/..')
})

test('writes and reads its dates', () => {
  assert.equal(dateText(Date.UTC(2013, 4, 24)), '20130524T000000Z')
  assert.equal(parseDate('20130524T000000Z'), Date.UTC(2013, 4, 24))
  for (const text of ['', '20130524', '20131324T000000Z', '2013-05-24T00:00:00Z', '20130524T000000Z '])
    assert.equal(parseDate(text), undefined)
})
