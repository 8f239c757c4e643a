/**
 * Driver `postgres:` — `postgres://user:password@host:port/database`, with the URL options of `src/postgres/url.ts`;
 * PostgreSQL 15 or newer. Unsupported: compaction.
 *
 * At rest, in schema `ashlar`: `streams` and `stream_partitions` name what there is; `stream_batches` has one row for each
 * batch of records (base offset, count, time, payload in the form of `postgres/framing.ts`, stored out of line and not
 * compressed); `stream_groups`, `stream_members`, `stream_offsets` are the consumer groups; `stream_parked` what they set
 * aside. Timestamps are those of the append, by the database's clock. Appends take advisory locks of the class 1634956148
 * ('asst') on their partitions, to their own commit. NOTIFY carries no names.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { queryWithin } from '../../postgres/limits.ts'
import { migrate } from '../../postgres/migrate.ts'
import { openSql } from '../../postgres/open.ts'
import type { Queryable, Sql } from '../../postgres/sql.ts'
import { channelOf, Wake } from '../../postgres/wake.ts'
import type {
  Appending,
  GroupStats,
  Membership,
  ParkedRecord,
  StoredRecord,
  StreamDriver,
  StreamEngine,
  StreamShape,
} from './driver.ts'
import { decodeBatch, encodeBatch, framedBytes } from './postgres/framing.ts'
import { GroupTable, PostgresMembership, Refused } from './postgres/groups.ts'
import { Tail } from './postgres/tail.ts'
import * as text from './postgres/text.ts'
import { checkShape } from './shape.ts'

/** A connection that answers later than this is cut. */
const limitMs = 15_000
/** How often readers at the end look without a hint. */
const pollMs = 3_000
const maxBatchRecords = 1_000
const maxBatchBytes = 1024 ** 2
const trimRounds = 100

export async function open(context: OpenContext): Promise<StreamEngine> {
  return { open: (shape) => openStream(context, shape) }
}

async function openStream(context: OpenContext, { partitions }: StreamShape): Promise<StreamDriver> {
  const sql = openSql(context.url)
  try {
    await migrate(sql, 'stream', new URL('./sql/', import.meta.url))
    const there = await ensureStream(sql, engineName(context), partitions)
    checkShape(context.name, there.partitions, partitions)
    return new PostgresStream(sql, { ...there, name: engineName(context) })
  } catch (error) {
    await sql.close()
    throw error
  }
}

async function ensureStream(sql: Sql, name: string, partitions: number): Promise<{ id: number; partitions: number }> {
  // None: another process made it in this very moment, and this statement's snapshot is older.
  for (;;) {
    const { rows } = await sql.query<{ id: number; partitions: number }>(text.openText, [name, partitions])
    if (rows[0]) return rows[0]
  }
}

/** What connections and PostgreSQL throw is mapped for all drivers by `commonCode`. */
export function codeOf(error: unknown): Code | undefined {
  return error instanceof Refused ? 'conflict' : undefined
}

interface Batch {
  partition: number
  /** Places of the records in the call. */
  places: number[]
  bytes: number
}

class PostgresStream implements StreamDriver {
  readonly capabilities = { compaction: false, contiguous: true, trims: true, maxBytes: 1024 ** 2 }
  readonly partitions: number
  readonly #sql: Sql
  readonly #db: Queryable
  readonly #id: number
  readonly #wake: Wake
  readonly #tail: Tail
  readonly #groupChannel: string
  readonly #changed = new Set<() => void>()
  #listening: Promise<() => Promise<void>> | undefined

  constructor(sql: Sql, { id, name, partitions }: { id: number; name: string; partitions: number }) {
    this.#sql = sql
    this.#db = { query: (statement, values) => queryWithin(sql, limitMs, statement, values) }
    this.#id = id
    this.partitions = partitions
    this.#wake = new Wake(sql, channelOf('stream', name))
    this.#tail = new Tail((of) => this.#ends(of), this.#wake, pollMs)
    this.#groupChannel = channelOf('stream-groups', name)
  }

  get native(): { sql: Sql } {
    return { sql: this.#sql }
  }

  async append(records: readonly Appending[]): Promise<number[]> {
    const batches = batchesOf(records)
    if (batches.length === 0) return []
    const { rows } = await this.#db.query<{ base: number }>(text.appendText, [
      this.#id,
      batches.map(({ partition }) => partition),
      batches.map(({ places }) => places.length),
      batches.map(({ places }) => encodeBatch(places.map((place) => records[place]!))),
    ])
    this.#wake.notify()
    const offsets = Array.from<number>({ length: records.length })
    batches.forEach(({ places }, batch) => places.forEach((place, i) => (offsets[place] = rows[batch]!.base + i)))
    return offsets
  }

  async read(
    partition: number,
    offset: number,
    { maxRecords, maxBytes, waitMs, signal }: Parameters<StreamDriver['read']>[2],
  ): Promise<StoredRecord[]> {
    const since = this.#tail.hints
    const found = await this.#fetch(partition, offset, maxRecords, maxBytes)
    if (found.length > 0 || waitMs <= 0 || signal.aborted) return found
    const isThere = await this.#tail.wait(partition, offset, waitMs, signal, since)
    return isThere ? this.#fetch(partition, offset, maxRecords, maxBytes) : []
  }

  async #fetch(partition: number, offset: number, maxRecords: number, maxBytes: number): Promise<StoredRecord[]> {
    const { rows } = await this.#db.query<{ base: number; at: number; payload: Buffer }>(text.readText, [
      this.#id,
      partition,
      offset,
      maxRecords,
      maxBytes,
      maxBatchRecords,
    ])
    const found: StoredRecord[] = []
    let bytes = 0
    for (const record of rows.flatMap(({ base, at, payload }) => decodeBatch(base, at, payload))) {
      if (record.offset < offset) continue
      bytes += framedBytes(record)
      if (found.length === maxRecords || (found.length > 0 && bytes > maxBytes)) break
      found.push(record)
    }
    return found
  }

  async #ends(partitions: number[]): Promise<Map<number, number>> {
    const { rows } = await this.#db.query<{ partition: number; ends: number }>(text.endsText, [this.#id, partitions])
    return new Map(rows.map(({ partition, ends }) => [partition, ends]))
  }

  async bounds(): Promise<{ start: number; end: number }[]> {
    return (await this.#db.query<{ start: number; end: number }>(text.boundsText, [this.#id])).rows
  }

  async offsetsAt(timestamp: number): Promise<number[]> {
    const { rows } = await this.#db.query<{ at: number }>(text.offsetsAtText, [this.#id, timestamp])
    return rows.map(({ at }) => at)
  }

  async join(
    group: string,
    { member, sessionMs, changed }: { member: string; sessionMs: number; changed?: () => void },
  ): Promise<Membership> {
    const table = this.#group(group)
    await table.ensure()
    if (changed) await this.#listen(changed)
    const onLeave = () => void (changed && this.#changed.delete(changed))
    const membership = new PostgresMembership(table, { member, sessionMs, partitions: this.partitions, onLeave })
    try {
      await membership.heartbeat(false)
    } catch (error) {
      onLeave()
      throw error
    }
    return membership
  }

  #group(name: string): GroupTable {
    const tell = () => void this.#sql.query('select pg_notify($1, $2)', [this.#groupChannel, '']).catch(() => undefined)
    return new GroupTable(this.#db, this.#id, name, tell)
  }

  async #listen(changed: () => void): Promise<void> {
    this.#changed.add(changed)
    const tell = () => this.#changed.forEach((each) => each())
    this.#listening ??= this.#sql.listen(this.#groupChannel, tell, tell)
    await this.#listening
  }

  async committed(group: string): Promise<Map<number, number>> {
    const { rows } = await this.#db.query<{ partition: number; next: number }>(text.committedText, [this.#id, group])
    return new Map(rows.map(({ partition, next }) => [partition, next]))
  }

  seek(group: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    return this.#group(group).seek(offsets)
  }

  async groups(): Promise<GroupStats[]> {
    const bounds = await this.bounds()
    const { rows } = await this.#db.query<{
      group: string
      members: number
      parked: number
      partition: number | null
      next: number
    }>(text.groupsText, [this.#id])
    const groups = new Map<string, GroupStats>()
    for (const { group, members, parked, partition, next } of rows) {
      const stats = groups.get(group) ?? { group, members, parked, partitions: [] }
      groups.set(group, stats)
      if (partition === null) continue
      const { start, end } = bounds[partition]!
      stats.partitions.push({ partition, committed: next, lag: Math.max(0, end - Math.max(next, start)) })
    }
    return [...groups.values()]
  }

  async park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    await this.#group(group).ensure()
    await this.#db.query(text.parkText, [
      this.#id,
      group,
      records.map(({ partition }) => partition),
      records.map(({ offset }) => offset),
      records.map(({ key }) => key),
      records.map(({ value }) => value),
      records.map(({ headers }) => JSON.stringify(headers)),
      records.map(({ timestamp }) => timestamp),
      records.map(({ error }) => error),
    ])
  }

  async parked(group: string, { limit }: { limit: number }): Promise<ParkedRecord[]> {
    const { rows } = await this.#db.query<Omit<ParkedRecord, 'headers'> & { headers: string }>(text.parkedText, [
      this.#id,
      group,
      limit,
    ])
    return rows.map((row) => ({ ...row, headers: JSON.parse(row.headers) }))
  }

  async trim({ ms, bytesPerPartition }: { ms?: number; bytesPerPartition?: number }): Promise<number> {
    if (ms !== undefined) await this.#db.query(text.trimParkedText, [this.#id, ms])
    const { rows } = await this.#db.query<{ partition: number; cut: number }>(text.trimmableText, [
      this.#id,
      ms ?? null,
      bytesPerPartition ?? null,
    ])
    let dropped = 0
    for (const { partition, cut } of rows) dropped += await this.#trimPartition(partition, ms, cut)
    return dropped
  }

  /** In short transactions, so that nobody waits for a long one. */
  async #trimPartition(partition: number, ms: number | undefined, cut: number): Promise<number> {
    let dropped = 0
    for (let round = 0; round < trimRounds; round++) {
      const { rows } = await this.#db.query<{ dropped: number }>(text.trimText, [this.#id, ms ?? null, partition, cut])
      if (!rows[0]) break
      dropped += rows[0].dropped
    }
    return dropped
  }

  async close(): Promise<void> {
    await this.#tail.close()
    await this.#wake.close()
    await (await this.#listening)?.().catch(() => undefined)
    await this.#sql.close()
  }
}

/** Records by partition, in ascending order as the locks want it, cut into batches of bounded length. */
function batchesOf(records: readonly Appending[]): Batch[] {
  const latest = new Map<number, Batch>()
  const batches: Batch[] = []
  records.forEach((record, place) => {
    const { partition } = record
    const bytes = framedBytes(record)
    let batch = latest.get(partition)
    if (!batch || batch.places.length === maxBatchRecords || batch.bytes + bytes > maxBatchBytes) {
      batch = { partition, places: [], bytes: 0 }
      latest.set(partition, batch)
      batches.push(batch)
    }
    batch.places.push(place)
    batch.bytes += bytes
  })
  return batches.sort((a, b) => a.partition - b.partition)
}
