/**
 * Driver `memory:` — `memory:` is a store of its own, `memory:NAME` one store per process and name. No options.
 * Everything of the contract is supported, compaction included. Nothing is at rest: the records end with the process. All
 * streams of a store together hold at most 256 MB; appends beyond are refused with `exhausted` until retention makes room.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid, type Code } from '../../errors.ts'
import type {
  Appending,
  Bounds,
  GroupStats,
  Membership,
  ParkedRecord,
  StoredRecord,
  StreamDriver,
  StreamEngine,
  StreamShape,
} from './driver.ts'
import { assignmentOf, beat, emptyGroup, expire, leave, mayCommit, type Group } from './group.ts'
import { dropBeyond, dropSuperseded, Partition, sizeOf } from './memory/partition.ts'
import { checkShape } from './shape.ts'

const maxStoreBytes = 256 * 1024 ** 2

interface Store {
  bytes: number
  streams: Map<string, Log>
}

/** A stream's partitions and its groups. */
class Log {
  readonly partitions: Partition[]
  readonly groups = new Map<string, KeptGroup>()

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => new Partition())
  }

  group(name: string): KeptGroup {
    let group = this.groups.get(name)
    if (!group) this.groups.set(name, (group = new KeptGroup()))
    return group
  }
}

class KeptGroup {
  readonly state: Group = emptyGroup()
  readonly offsets = new Map<number, number>()
  readonly parked = new Map<string, ParkedRecord & { parkedAt: number }>()
  readonly changed = new Map<string, () => void>()

  tell(): void {
    for (const tell of this.changed.values()) queueMicrotask(tell)
  }
}

const shared = new Map<string, Store>()

export async function open(context: OpenContext): Promise<StreamEngine> {
  return { open: (shape) => openStream(context, shape) }
}

async function openStream(context: OpenContext, { partitions }: StreamShape): Promise<StreamDriver> {
  const name = /^memory:([A-Za-z0-9._-]*)$/i.exec(context.url)?.[1]
  if (name === undefined)
    throw invalid(`stream: '${context.url}' is not valid; write memory: or memory:NAME, without options`)
  const store = (name && shared.get(name)) || { bytes: 0, streams: new Map<string, Log>() }
  if (name) shared.set(name, store)
  const log = store.streams.get(engineName(context)) ?? new Log(partitions)
  checkShape(context.name, log.partitions.length, partitions)
  store.streams.set(engineName(context), log)
  return new MemoryStream(store, log)
}

class Refused extends Error {}

/** Nothing else that this driver throws needs a code of its own. */
export function codeOf(error: unknown): Code | undefined {
  return error instanceof Refused ? 'conflict' : undefined
}

class MemoryStream implements StreamDriver {
  readonly capabilities = { compaction: true, compactsOnTrim: true, contiguous: true, trims: true, maxBytes: 1024 ** 2 }
  readonly native = {}
  readonly #store: Store
  readonly #log: Log
  readonly #closing = new AbortController()

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  get partitions(): number {
    return this.#log.partitions.length
  }

  async append(records: readonly Appending[]): Promise<number[]> {
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
    if (this.#store.bytes + bytes > maxStoreBytes)
      throw new AshlarError(
        'exhausted',
        `the memory store holds ${maxStoreBytes} bytes already; retain less, or use another driver`,
      )
    this.#store.bytes += bytes
    const offsets = records.map((record) => this.#log.partitions[record.partition]!.append(record))
    for (const partition of new Set(records.map((record) => record.partition))) this.#log.partitions[partition]!.wake()
    return offsets
  }

  async read(
    partition: number,
    offset: number,
    { maxRecords, maxBytes, waitMs, signal }: Parameters<StreamDriver['read']>[2],
  ): Promise<StoredRecord[]> {
    const from = this.#log.partitions[partition]!
    if (from.indexOf(offset) === from.records.length && waitMs > 0 && !signal.aborted && !this.#closing.signal.aborted)
      await from.wait(waitMs, [signal, this.#closing.signal])
    return signal.aborted ? [] : from.read(offset, maxRecords, maxBytes)
  }

  async bounds(): Promise<Bounds[]> {
    return this.#log.partitions.map(({ start, end }) => ({ start, end }))
  }

  async offsetsAt(timestamp: number): Promise<number[]> {
    return this.#log.partitions.map(
      ({ records, end }) => records.find((record) => record.timestamp >= timestamp)?.offset ?? end,
    )
  }

  async join(
    name: string,
    { member, sessionMs, changed }: { member: string; sessionMs: number; changed?: () => void },
  ): Promise<Membership> {
    const group = this.#log.group(name)
    if (changed) group.changed.set(member, changed)
    const membership = new MemoryMembership(group, member, sessionMs, this.partitions)
    await membership.heartbeat(false)
    return membership
  }

  async committed(group: string): Promise<Map<number, number>> {
    return new Map(this.#log.groups.get(group)?.offsets)
  }

  async seek(name: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const group = this.#log.group(name)
    expire(group.state, performance.now())
    if (group.state.members.size > 0)
      throw new Refused(`group '${name}' has ${group.state.members.size} members; stop them first`)
    for (const [partition, offset] of offsets) group.offsets.set(partition, offset)
  }

  async groups(): Promise<GroupStats[]> {
    return [...this.#log.groups].map(([group, { state, offsets, parked }]) => {
      expire(state, performance.now())
      const partitions = [...offsets].map(([partition, committed]) => {
        const { start, end } = this.#log.partitions[partition]!
        return { partition, committed, lag: Math.max(0, end - Math.max(committed, start)) }
      })
      partitions.sort((a, b) => a.partition - b.partition)
      return { group, members: state.members.size, parked: parked.size, partitions }
    })
  }

  async park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    const { parked } = this.#log.group(group)
    for (const record of records) {
      const id = `${record.partition}/${record.offset}`
      if (!parked.has(id)) parked.set(id, { ...record, parkedAt: Date.now() })
    }
  }

  async parked(group: string, { limit }: { limit: number }): Promise<ParkedRecord[]> {
    const all = [...(this.#log.groups.get(group)?.parked.values() ?? [])]
    return all.slice(0, limit).map(({ parkedAt: _, ...record }) => record)
  }

  async trim(retain: { ms?: number; bytesPerPartition?: number; compact: boolean }): Promise<number> {
    const oldest = retain.ms === undefined ? -Infinity : Date.now() - retain.ms
    let count = 0
    for (const partition of this.#log.partitions) {
      const dropped = retain.compact ? dropSuperseded(partition, oldest) : partition.keep((r) => r.timestamp >= oldest)
      dropped.push(...dropBeyond(partition, retain.bytesPerPartition))
      count += dropped.length
      this.#store.bytes -= dropped.reduce((sum, record) => sum + sizeOf(record), 0)
    }
    for (const { parked } of this.#log.groups.values())
      for (const [id, { parkedAt }] of parked) if (parkedAt < oldest) parked.delete(id)
    return count
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }
}

class MemoryMembership implements Membership {
  readonly #group: KeptGroup
  readonly #member: string
  readonly #sessionMs: number
  readonly #partitions: number

  constructor(group: KeptGroup, member: string, sessionMs: number, partitions: number) {
    this.#group = group
    this.#member = member
    this.#sessionMs = sessionMs
    this.#partitions = partitions
  }

  async heartbeat(holding: boolean) {
    const { state } = this.#group
    const before = `${state.generation} ${state.settling}`
    beat(state, this.#member, { nowMs: performance.now(), sessionMs: this.#sessionMs, holding })
    if (before !== `${state.generation} ${state.settling}`) this.#group.tell()
    return assignmentOf(state, this.#member, this.#partitions)
  }

  async commit(generation: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    if (!mayCommit(this.#group.state, this.#member, generation, offsets.keys()))
      throw new Refused(`generation ${generation} is over for this member`)
    for (const [partition, offset] of offsets)
      this.#group.offsets.set(partition, Math.max(offset, this.#group.offsets.get(partition) ?? 0))
  }

  async leave(): Promise<void> {
    this.#group.changed.delete(this.#member)
    leave(this.#group.state, this.#member, performance.now())
    this.#group.tell()
  }
}
