import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { S3Error } from './error.ts'

export interface Checksum {
  update(bytes: Uint8Array): void
  /** Base64, as in the headers. */
  digest(): string
}

/** The checksum that a header names. @throws S3Error NotImplemented for one that is not known here */
export function checksumOf(header: string): Checksum {
  if (header === 'x-amz-checksum-crc32') return cyclic((bytes, before) => crc32(bytes, before))
  if (header === 'x-amz-checksum-crc32c') return cyclic(crc32c)
  if (header === 'x-amz-checksum-sha1') return hashed('sha1')
  if (header === 'x-amz-checksum-sha256') return hashed('sha256')
  throw new S3Error('NotImplemented', `${header} is not supported; use crc32, crc32c, sha1 or sha256`)
}

export function hashed(algorithm: string, encoding: 'base64' | 'hex' = 'base64'): Checksum {
  const hash = createHash(algorithm)
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest(encoding) }
}

function cyclic(next: (bytes: Uint8Array, before: number) => number): Checksum {
  let value = 0
  return {
    update: (bytes) => void (value = next(bytes, value)),
    digest() {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes.toString('base64')
    },
  }
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4). */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let value = ~before
  for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8)
  return ~value >>> 0
}
