import { checkMetadata } from '../checks.ts'
import { S3Error } from './error.ts'

const prefix = 'x-amz-meta-'

/** Values beyond ASCII travel as RFC 2047 words, as S3 has it. @throws S3Error MetadataTooLarge, `invalid_argument` */
export function metadataFrom(headers: ReadonlyMap<string, string>): Record<string, string> {
  const metadata: Record<string, string> = {}
  let bytes = 0
  for (const [name, value] of headers) {
    if (!name.startsWith(prefix)) continue
    metadata[name.slice(prefix.length)] = decodeWords(value)
    bytes += name.length - prefix.length + Buffer.byteLength(value)
  }
  if (bytes > 8192) throw new S3Error('MetadataTooLarge', 'the metadata is larger than 2 KB')
  return checkMetadata(metadata)
}

export function metadataHeaders(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [prefix + name, encodeWord(value)]))
}

function encodeWord(value: string): string {
  const plain = /^[\x20-\x7e]*$/.test(value) && !value.includes('=?')
  return plain ? value : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`
}

function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?\s]*)\?=/gi, (_, kind: string, text: string) => bytesOf(kind, text).toString())
}

function bytesOf(kind: string, text: string): Buffer {
  if (kind.toLowerCase() === 'b') return Buffer.from(text, 'base64')
  const latin = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(latin, 'latin1')
}
