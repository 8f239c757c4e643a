import type { Appending, StoredRecord } from '../driver.ts'

/*
 * The payload of a batch, numbers big-endian:
 *
 *   payload = version (u8, 1) record*
 *   record  = delta (u32: offset - base) flags (u8: 1 has a key, 2 has a value) [key] [value] headers
 *   key, value, headers = length (u32) bytes
 *
 * Headers are a JSON object, no bytes for none. A record without a value is a tombstone; an empty value is a value.
 * The timestamp is the batch's.
 */
const version = 1
const hasKey = 1
const hasValue = 2
const fixedBytes = 9

/** Bytes of a record in a payload. */
export function framedBytes({ key, value, headers }: Omit<Appending, 'partition' | 'timestamp'>): number {
  const lengths = [key, value].map((part) => (part === null ? 0 : 4 + part.length))
  return fixedBytes + lengths[0]! + lengths[1]! + Buffer.byteLength(headersText(headers))
}

function headersText(headers: Record<string, string>): string {
  for (const _ in headers) return JSON.stringify(headers)
  return ''
}

export function encodeBatch(records: readonly Omit<Appending, 'partition' | 'timestamp'>[]): Buffer {
  const size = records.reduce((sum, record) => sum + framedBytes(record), 1)
  const out = Buffer.allocUnsafe(size)
  let at = out.writeUInt8(version, 0)
  records.forEach(({ key, value, headers }, delta) => {
    at = out.writeUInt32BE(delta, at)
    at = out.writeUInt8((key === null ? 0 : hasKey) | (value === null ? 0 : hasValue), at)
    if (key !== null) at = writePart(out, at, key)
    if (value !== null) at = writePart(out, at, value)
    at = writePart(out, at, Buffer.from(headersText(headers)))
  })
  return out.subarray(0, at)
}

function writePart(out: Buffer, at: number, part: Uint8Array): number {
  at = out.writeUInt32BE(part.length, at)
  out.set(part, at)
  return at + part.length
}

/** @throws when the payload is not of this form */
export function decodeBatch(base: number, timestamp: number, payload: Buffer): StoredRecord[] {
  if (payload[0] !== version) throw new Error(`batch ${base} has version ${payload[0]}; this release reads ${version}`)
  const records: StoredRecord[] = []
  let at = 1
  const part = (): Buffer => {
    const from = at + 4
    at = from + payload.readUInt32BE(at)
    if (at > payload.length) throw new Error(`batch ${base} is cut off`)
    return payload.subarray(from, at)
  }
  while (at < payload.length) {
    const offset = base + payload.readUInt32BE(at)
    const flags = payload.readUInt8(at + 4)
    at += 5
    const key = flags & hasKey ? part() : null
    const value = flags & hasValue ? part() : null
    const headers = part()
    const found = headers.length ? (JSON.parse(headers.toString()) as Record<string, string>) : {}
    records.push({ offset, key, value, headers: found, timestamp })
  }
  return records
}
