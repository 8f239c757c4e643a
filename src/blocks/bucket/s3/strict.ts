import { S3Error } from './error.ts'
import type { Verified } from './verify.ts'

const understood =
  /^x-amz-(?:date|content-sha256|user-agent|decoded-content-length|trailer|sdk-checksum-algorithm|checksum-[a-z0-9-]+|meta-.+)$/

/** Values that ask for nothing but what is done anyway. */
const harmless: Record<string, string> = { 'x-amz-acl': 'private', 'x-amz-storage-class': 'STANDARD' }

const stored = ['content-disposition', 'content-language', 'expires']

/** Refuses what would be silently ignored: encryption, tags, access lists, copies, headers to be stored. @throws S3Error NotImplemented */
export function refuseUnknownHeaders({ method, headers }: Verified): void {
  for (const [name, value] of headers) {
    if (name.startsWith('x-amz-') && !understood.test(name) && harmless[name] !== value)
      throw new S3Error('NotImplemented', `the header ${name} is not supported`)
  }
  if (method !== 'PUT' && method !== 'POST') return
  for (const name of stored) {
    if (headers.has(name)) throw new S3Error('NotImplemented', `the header ${name} is not stored here`)
  }
  const encodings = (headers.get('content-encoding') ?? '').split(',').map((each) => each.trim().toLowerCase())
  if (encodings.some((each) => each !== '' && each !== 'aws-chunked' && each !== 'identity'))
    throw new S3Error('NotImplemented', 'the header content-encoding is not stored here')
}
