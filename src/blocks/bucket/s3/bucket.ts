import type { Listing, ObjectInfo } from '../driver.ts'
import { S3Error } from './error.ts'
import type { Call, Operation, Store } from './operation.ts'
import { readXml } from './read-xml.ts'
import { encodePath } from './sigv4.ts'
import { child, element, xml } from './xml.ts'

async function list({ store, bucket, verified }: Call): Promise<Response> {
  const { query } = verified
  if (query.get('list-type') !== '2')
    throw new S3Error('NotImplemented', 'only ListObjectsV2 (list-type=2) is supported')
  if ((query.get('fetch-owner') ?? 'false') !== 'false')
    throw new S3Error('NotImplemented', 'objects have no owner here')
  const limit = countOf(query.get('max-keys') ?? '1000')
  const after = afterOf(query)
  const delimiter = query.get('delimiter')
  const paging = { prefix: query.get('prefix') ?? '', ...(after ? { after } : {}), ...(delimiter ? { delimiter } : {}) }
  const group = query.has('continuation-token') ? undefined : groupOf(paging)
  const page = group === undefined ? await pageOf(store, paging, limit) : await pageFrom(store, paging, limit, group)
  return answer(xml(element('ListBucketResult', listed(page, bucket, query, limit))))
}

type Paging = Omit<Parameters<Store['list']>[0], 'limit'>

async function pageOf(store: Store, paging: Paging, limit: number): Promise<Listing> {
  return limit === 0 ? { objects: [], prefixes: [] } : store.list({ ...paging, limit })
}

/** `start-after` is a key: the rest of its own group still counts. (A driver's `after` is an entry: all of the group is past.) */
async function pageFrom(store: Store, paging: Paging, limit: number, group: string): Promise<Listing> {
  const rest = await store.list({ prefix: group, after: paging.after!, limit: 1 })
  if (limit === 0 || rest.objects.length === 0) return pageOf(store, paging, limit)
  const page = await store.list({ ...paging, limit: Math.max(1, limit - 1) })
  if (limit > 1) return { ...page, prefixes: [group, ...page.prefixes] }
  const more = page.objects.length + page.prefixes.length > 0
  return { objects: [], prefixes: [group], ...(more && { next: group }) }
}

/** The common prefix that `after` lies inside of. */
function groupOf({ prefix, after, delimiter }: Paging): string | undefined {
  if (!after?.startsWith(prefix) || delimiter === undefined) return undefined
  const at = after.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : after.slice(0, at + delimiter.length)
}

function countOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Math.min(1000, Number(text))
  throw new S3Error('InvalidArgument', `max-keys: '${text}' is not a count`)
}

function afterOf(query: ReadonlyMap<string, string>): string | undefined {
  const token = query.get('continuation-token')
  if (token === undefined) return query.get('start-after')
  const after = Buffer.from(token, 'base64url').toString()
  if (after !== '' && Buffer.from(after).toString('base64url') === token) return after
  throw new S3Error('InvalidArgument', 'the continuation token is not one of this bucket')
}

function listed(page: Listing, bucket: string, query: ReadonlyMap<string, string>, limit: number): string[] {
  const encoding = query.get('encoding-type')
  if (encoding !== undefined && encoding !== 'url')
    throw new S3Error('InvalidArgument', 'encoding-type can only be url')
  const encode = (text: string) => (encoding ? encodePath(text) : text)
  const echoed = ['prefix', 'delimiter', 'start-after'].filter((name) => query.has(name) || name === 'prefix')
  return [
    element('Name', bucket),
    ...echoed.map((name) => element(echoNames[name]!, encode(query.get(name) ?? ''))),
    ...(query.has('continuation-token') ? [element('ContinuationToken', query.get('continuation-token')!)] : []),
    ...(encoding ? [element('EncodingType', encoding)] : []),
    element('KeyCount', page.objects.length + page.prefixes.length),
    element('MaxKeys', limit),
    element('IsTruncated', page.next !== undefined),
    ...(page.next === undefined
      ? []
      : [element('NextContinuationToken', Buffer.from(page.next).toString('base64url'))]),
    ...page.objects.map((info) => contents(info, encode)),
    ...page.prefixes.map((prefix) => element('CommonPrefixes', [element('Prefix', encode(prefix))])),
  ]
}

const echoNames: Record<string, string> = { prefix: 'Prefix', delimiter: 'Delimiter', 'start-after': 'StartAfter' }

function contents({ key, modifiedAt, etag, size }: ObjectInfo, encode: (text: string) => string): string {
  return element('Contents', [
    element('Key', encode(key)),
    element('LastModified', modifiedAt.toISOString()),
    element('ETag', etag),
    element('Size', size),
    element('StorageClass', 'STANDARD'),
  ])
}

async function removeMany(call: Call): Promise<Response> {
  const document = await readXml(call, 'Delete')
  const objects = document.children.filter(({ name }) => name === 'Object')
  const keys = objects.map((object) => {
    if (object.children.some(({ name }) => name !== 'Key'))
      throw new S3Error('NotImplemented', 'objects are deleted by their key alone')
    return child(object, 'Key') ?? ''
  })
  if (keys.length < 1 || keys.length > 1000 || keys.includes(''))
    throw new S3Error('MalformedXML', 'a Delete document names 1 to 1000 keys')
  await call.store.delete(keys)
  const quiet = child(document, 'Quiet') === 'true'
  const deleted = quiet ? [] : keys.map((key) => element('Deleted', [element('Key', key)]))
  return answer(xml(element('DeleteResult', deleted)))
}

async function exists({ verified }: Call): Promise<Response> {
  return new Response(null, { headers: { 'x-amz-bucket-region': verified.scope.region } })
}

async function location(): Promise<Response> {
  return answer(xml(element('LocationConstraint', '')))
}

export function answer(body: string): Response {
  return new Response(body, { headers: { 'content-type': 'application/xml' } })
}

const listing = ['prefix', 'delimiter', 'start-after', 'continuation-token', 'max-keys', 'encoding-type', 'fetch-owner']

export const bucketOperations: readonly Operation[] = [
  { method: 'GET', of: 'bucket', marks: ['list-type'], allows: listing, run: list },
  { method: 'GET', of: 'bucket', marks: ['location'], allows: [], run: location },
  { method: 'HEAD', of: 'bucket', marks: [], allows: [], run: exists },
  { method: 'POST', of: 'bucket', marks: ['delete'], allows: [], run: removeMany },
]
