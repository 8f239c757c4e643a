import type { ParkedRecord, StoredRecord } from './driver.ts'

/** As Redis answers it: id, and names and values of its fields. */
export type Entry = [id: Buffer, fields: Buffer[]]

export function fromEntry([id, fields]: Entry): StoredRecord {
  const found = new Map<string, Buffer>()
  for (let i = 0; i < fields.length; i += 2) found.set(fields[i]!.toString(), fields[i + 1]!)
  const headers = found.get('h')
  return {
    offset: Number.parseInt(id.toString(), 10) - 1,
    key: found.get('k') ?? null,
    value: found.get('v') ?? null,
    headers: headers ? (JSON.parse(headers.toString()) as Record<string, string>) : {},
    timestamp: Number(found.get('t')!.toString()),
  }
}

interface Written extends Omit<ParkedRecord, 'key' | 'value' | 'offset'> {
  offset: number
  key: string | null
  value: string | null
}

export function toParked({ key, value, offset, ...rest }: ParkedRecord): string {
  const written: Written = { ...rest, offset: Number(offset), key: encode(key), value: encode(value) }
  return JSON.stringify(written)
}

export function fromParked(text: string): ParkedRecord {
  const { key, value, ...rest } = JSON.parse(text) as Written
  return { ...rest, key: decode(key), value: decode(value) }
}

function encode(part: Uint8Array | null): string | null {
  return part === null ? null : Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64')
}

function decode(part: string | null): Buffer | null {
  return part === null ? null : Buffer.from(part, 'base64')
}
