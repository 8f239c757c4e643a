/*
 * The messages of PostgreSQL's logical decoding plugin `pgoutput`, protocol version 1 (PostgreSQL documentation,
 * "Logical Replication Message Formats"). Values come as text.
 *
 *   begin    B  commitLsn i64  committed i64 (µs since 2000)  xid i32
 *   commit   C  flags i8  commitLsn i64  endLsn i64  committed i64
 *   relation R  oid i32  schema str  name str  identity i8  count i16  { flags i8 (1: of the key)  name str  type i32  mod i32 }
 *   insert   I  oid i32  'N' tuple
 *   update   U  oid i32  [ 'K' tuple | 'O' tuple ]  'N' tuple
 *   delete   D  oid i32  'K' tuple | 'O' tuple
 *   truncate T  count i32  options i8  { oid i32 }
 *   tuple       count i16  { 'n' | 'u' | 't' length i32 bytes }      null, unchanged (TOAST), text
 *   str         bytes up to NUL
 *
 * Others (origin, type, message) say nothing about rows and are passed over.
 */

export interface Column {
  name: string
  type: number
  /** Part of what identifies a row. */
  isKey: boolean
}

export interface Relation {
  schema: string
  name: string
  columns: Column[]
}

/** `undefined` stands for a large value that the statement did not touch: the log does not have it. */
export type Tuple = (string | null | undefined)[]

export type Message =
  | { kind: 'begin'; commitLsn: bigint; at: Date }
  | { kind: 'commit'; endLsn: bigint }
  | { kind: 'relation'; oid: number; relation: Relation }
  | { kind: 'insert'; oid: number; row: Tuple }
  | { kind: 'update'; oid: number; before: Tuple | undefined; row: Tuple }
  | { kind: 'delete'; oid: number; before: Tuple }
  | { kind: 'truncate'; oids: number[] }
  | { kind: 'other' }

const epochMs = Date.UTC(2000, 0, 1)

export function parseMessage(bytes: Buffer): Message {
  const from = new Cursor(bytes)
  switch (from.char()) {
    case 'B':
      return { kind: 'begin', commitLsn: from.long(), at: from.time() }
    case 'C':
      from.skip(1 + 8)
      return { kind: 'commit', endLsn: from.long() }
    case 'R':
      return { kind: 'relation', oid: from.int(), relation: relationFrom(from) }
    case 'I':
      return { kind: 'insert', oid: from.int(), row: tupleFrom(from.skip(1)) }
    case 'U':
      return updateFrom(from)
    case 'D':
      return { kind: 'delete', oid: from.int(), before: tupleFrom(from.skip(1)) }
    case 'T':
      return { kind: 'truncate', oids: oidsFrom(from) }
    default:
      return { kind: 'other' }
  }
}

function relationFrom(from: Cursor): Relation {
  const schema = from.text()
  const name = from.text()
  const count = from.skip(1).short()
  const columns = Array.from({ length: count }, (): Column => {
    const isKey = from.byte() === 1
    const column = { name: from.text(), type: from.int(), isKey }
    from.skip(4)
    return column
  })
  return { schema: schema || 'pg_catalog', name, columns }
}

function updateFrom(from: Cursor): Message {
  const oid = from.int()
  const before = from.char() === 'N' ? undefined : tupleFrom(from)
  if (before) from.skip(1)
  return { kind: 'update', oid, before, row: tupleFrom(from) }
}

function tupleFrom(from: Cursor): Tuple {
  return Array.from({ length: from.short() }, () => {
    const kind = from.char()
    if (kind === 't') return from.bytes(from.int()).toString('utf8')
    return kind === 'n' ? null : undefined
  })
}

function oidsFrom(from: Cursor): number[] {
  const count = from.int()
  from.skip(1)
  return Array.from({ length: count }, () => from.int())
}

class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  skip(length: number): this {
    this.#at += length
    return this
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  char(): string {
    return String.fromCharCode(this.byte())
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.skip(2).#at - 2)
  }

  int(): number {
    return this.#bytes.readUInt32BE(this.skip(4).#at - 4)
  }

  long(): bigint {
    return this.#bytes.readBigUInt64BE(this.skip(8).#at - 8)
  }

  time(): Date {
    return new Date(epochMs + Number(this.long() / 1000n))
  }

  bytes(length: number): Buffer {
    return this.#bytes.subarray(this.#at, this.skip(length).#at)
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }
}
