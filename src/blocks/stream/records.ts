import { check, type Schema } from '../../block.ts'
import { invalid } from '../../errors.ts'
import { checkReceived, decodeText, encodeText } from '../../lease/payload.ts'
import type { ParkedRecord, StoredRecord } from './driver.ts'
import type { Entry, ParkedEntry } from './stream.ts'

/** A record before it has a partition. JSON can carry it, so an outbox can too. */
export interface Draft {
  key?: string
  /** JSON text; `null` for a tombstone. */
  body: string | null
  headers: Record<string, string>
}

const maxKeyBytes = 1024

/** @throws `invalid_argument` */
export function checkKey(what: string, key: unknown): string {
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : Infinity
  if (typeof key === 'string' && bytes <= maxKeyBytes && !key.includes('\0') && key.isWellFormed()) return key
  const shown = typeof key === 'string' ? `a key of ${bytes} bytes` : String(key)
  throw invalid(`${what}: ${shown} is not valid; a key is text of at most ${maxKeyBytes} bytes, without NUL`)
}

/** Group names stand in tables and names of engines. @throws `invalid_argument` */
export function checkGroup(what: string, group: unknown): string {
  if (typeof group === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(group)) return group
  throw invalid(
    `${what}: '${String(group)}' is not a group name; write 1 to 64 letters, digits, '.', '-' or '_', a letter or digit first`,
  )
}

interface Drafting<T> {
  schema: Schema<T> | undefined
  maxBytes: number
  headers: Record<string, string>
}

interface Keyed<T> {
  value: T
  key: string | undefined
}

/** @throws `invalid_argument` for what is no JSON, breaks the schema or is too long */
export async function draftsOf<T>(what: string, values: readonly Keyed<T>[], of: Drafting<T>): Promise<Sized[]> {
  const drafts = values.map((each) => draftOf(what, each, of))
  const { schema } = of
  if (schema) await Promise.all(drafts.map(({ draft }) => check(what, schema, JSON.parse(draft.body!))))
  return drafts
}

export interface Sized {
  draft: Draft
  bytes: number
}

function draftOf<T>(what: string, { value, key }: Keyed<T>, { maxBytes, headers }: Drafting<T>): Sized {
  const { body, bytes } = encodeText(what, value, maxBytes - maxKeyBytes)
  return { draft: key === undefined ? { body, headers } : { key: checkKey(what, key), body, headers }, bytes }
}

/** @throws `GiveUp` for what can never be read */
export async function entriesOf<T>(
  what: string,
  schema: Schema<T> | undefined,
  partition: number,
  records: readonly StoredRecord[],
): Promise<Entry<T>[]> {
  const entries = records.map((record) => entryOf<T>(partition, record))
  if (!schema) return entries
  return Promise.all(entries.map((entry) => checkedEntry(what, schema, entry)))
}

async function checkedEntry<T>(what: string, schema: Schema<T>, entry: Entry<T>): Promise<Entry<T>> {
  return entry.value === undefined ? entry : { ...entry, value: await checkReceived(what, schema, entry.value) }
}

function entryOf<T>(partition: number, { offset, key, value, timestamp }: StoredRecord): Entry<T> {
  const read = value === null ? undefined : (decodeText(textOf(value)) as T)
  return { partition, offset, key: key === null ? undefined : textOf(key), value: read, at: new Date(timestamp) }
}

export function parkedEntryOf({ partition, offset, key, value, timestamp, error }: ParkedRecord): ParkedEntry {
  const body = value === null ? undefined : textOf(value)
  return { partition, offset, key: key === null ? undefined : textOf(key), body, at: new Date(timestamp), error }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
