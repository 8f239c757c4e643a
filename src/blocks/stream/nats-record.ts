import type { Fetched } from '../../nats/fetch.ts'
import type { Publishing } from '../../nats/publish.ts'
import type { Appending, StoredRecord } from './driver.ts'

/** Bytes that are kept free in a message for its header: key, trace, what the server adds, and the error of a parked record. */
export const headerRoom = 65_536

type Parts = Pick<Appending, 'key' | 'value' | 'headers'>

/**
 * Value: the payload. Key: a header in base64, none for null. A tombstone has a header of its own, since an empty payload is an
 * empty value.
 */
export function publishingOf({ key, value, headers }: Parts): Publishing {
  const fields: Record<string, string> = {}
  if (key !== null) fields['Ashlar-Key'] = Buffer.from(key).toString('base64')
  if (value === null) fields['Ashlar-Tombstone'] = 'yes'
  if (Object.keys(headers).length > 0) fields['Ashlar-Headers'] = JSON.stringify(headers)
  return { payload: value ?? '', fields }
}

export function partsOf({ data, headers }: Pick<Fetched, 'data' | 'headers'>): Parts {
  const written = headers?.get('Ashlar-Headers')
  return {
    key: headers?.has('Ashlar-Key') ? Buffer.from(headers.get('Ashlar-Key'), 'base64') : null,
    value: headers?.has('Ashlar-Tombstone') ? null : data,
    headers: written ? (JSON.parse(written) as Record<string, string>) : {},
  }
}

/** Sequence numbers count from 1, offsets from 0. */
export function recordOf(fetched: Fetched): StoredRecord {
  return { offset: fetched.seq - 1, timestamp: fetched.time.getTime(), ...partsOf(fetched) }
}

export function sizeOf({ key, value, headers }: Parts): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + Object.entries(headers).flat().join('').length
}
