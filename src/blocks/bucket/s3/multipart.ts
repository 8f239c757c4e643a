import { checkContentType } from '../checks.ts'
import type { Part } from '../driver.ts'
import { partLimits } from '../parts.ts'
import { answer } from './bucket.ts'
import { bodyOf } from './body.ts'
import { S3Error } from './error.ts'
import { metadataFrom } from './metadata.ts'
import { conditionOf } from './objects.ts'
import type { Call, Operation } from './operation.ts'
import { readXml } from './read-xml.ts'
import { child, element, xml, type Node } from './xml.ts'

async function start({ store, bucket, key, verified }: Call): Promise<Response> {
  const contentType = checkContentType(verified.headers.get('content-type'))
  const id = await store.multipart.start(key, { contentType, metadata: metadataFrom(verified.headers) })
  const named = [element('Bucket', bucket), element('Key', key), element('UploadId', id)]
  return answer(xml(element('InitiateMultipartUploadResult', named)))
}

async function part({ store, request, verified, key, maxBytes, secret }: Call): Promise<Response> {
  const number = Number(verified.query.get('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > partLimits.maxNumber)
    throw new S3Error('InvalidArgument', `partNumber must be 1 to ${partLimits.maxNumber}`)
  const { bytes, sums } = bodyOf(request, verified, secret)
  const { etag } = await store.multipart.part(key, uploadOf(verified.query), number, bytes, maxBytes)
  return new Response(null, { headers: { etag, ...sums } })
}

/** Each part was checked by its checksum when it came; here its etag says which one it is. */
async function finish(call: Call): Promise<Response> {
  const { store, bucket, key, verified, maxBytes } = call
  const document = await readXml(call, 'CompleteMultipartUpload')
  const parts = document.children.map(partOf)
  const limits = { maxBytes, ...conditionOf(verified.headers) }
  const { etag } = await store.multipart.finish(key, uploadOf(verified.query), parts, limits)
  return answer(
    xml(
      element('CompleteMultipartUploadResult', [element('Bucket', bucket), element('Key', key), element('ETag', etag)]),
    ),
  )
}

function partOf(node: Node): Part {
  const number = child(node, 'PartNumber') ?? ''
  const etag = child(node, 'ETag')
  if (node.name !== 'Part' || !/^\d{1,5}$/.test(number) || etag === undefined)
    throw new S3Error('MalformedXML', 'each Part has a PartNumber and an ETag')
  return { number: Number(number), etag: etag.startsWith('"') ? etag : `"${etag}"`, size: 0 }
}

async function abort({ store, key, verified }: Call): Promise<Response> {
  await store.multipart.abort(key, uploadOf(verified.query))
  return new Response(null, { status: 204 })
}

function uploadOf(query: ReadonlyMap<string, string>): string {
  return query.get('uploadId') ?? ''
}

export const multipartOperations: readonly Operation[] = [
  { method: 'POST', of: 'object', marks: ['uploads'], allows: [], run: start },
  { method: 'PUT', of: 'object', marks: ['partNumber', 'uploadId'], allows: [], run: part },
  { method: 'POST', of: 'object', marks: ['uploadId'], allows: [], run: finish },
  { method: 'DELETE', of: 'object', marks: ['uploadId'], allows: [], run: abort },
]
