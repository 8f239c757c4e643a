/*
 * URL: `nats://user:password@host:4222`, `nats://token@host`, several servers of one cluster by commas. Options: `tls=yes|no`, `ca` `cert`
 * `key` (files, PEM), `creds` (file of a user's JWT and seed), `replicas=1|3|5` (1). Oldest server: 2.10 with JetStream. What is appended
 * to a partition by one call is stored all or none, and together, from 2.12 on and up to 1000 records; on older servers records of others
 * may lie in between. Timestamps are the server's. Not supported: compaction.
 * At rest: one stream `ashlar-stream-<name>-<n>` for each partition, whose sequence numbers are offset + 1; stream `ashlar-streamgroups-<name>`
 * with a text for each group: members and offsets; stream `ashlar-streamparked-<name>` with what groups have set aside.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError } from '../../errors.ts'
import { readKept, writeKept, isConflict } from '../../nats/kept.ts'
import { takeLink, type Link } from '../../nats/link.ts'
import { ensureStream } from '../../nats/streams.ts'
import type {
  Appending,
  Bounds,
  GroupStats,
  Membership,
  ParkedRecord,
  Retention,
  StoredRecord,
  StreamCapabilities,
  StreamDriver,
  StreamEngine,
  StreamShape,
} from './driver.ts'
import { Groups } from './group-store.ts'
import { groupStoreOf } from './nats-groups.ts'
import { Parked } from './nats-parked.ts'
import { Partition } from './nats-partition.ts'
import { Places } from './nats-places.ts'
import { headerRoom } from './nats-record.ts'
import { checkShape } from './shape.ts'

export { codeOf } from '../../nats/faults.ts'

const maxBytes = 1024 ** 2
/** Streams that are made at once. */
const openAtOnce = 8

interface Parts {
  link: Link
  release: () => Promise<void>
  places: Places
  partitions: Partition[]
}

class NatsStream implements StreamDriver {
  readonly capabilities: StreamCapabilities
  readonly native: object
  readonly #of: Parts
  readonly #groups: Groups
  readonly #parked: Parked
  readonly #closing = new AbortController()
  readonly #forget: (() => void)[]

  constructor(of: Parts) {
    const { link, places } = of
    this.#of = of
    this.capabilities = {
      compaction: false,
      contiguous: true,
      trims: true,
      maxBytes: Math.min(maxBytes, link.maxPayload - headerRoom),
    }
    const { stream, subject } = places.partition(0)
    this.native = { connection: link.connection, stream, subject }
    this.#parked = new Parked(link, places)
    const groups = new Groups(groupStoreOf(link, places), of.partitions.length, (group) =>
      link.connection.publish(places.told, group),
    )
    this.#groups = groups
    const told = link.connection.subscribe(places.told, {
      callback: (error, message) => (error ? undefined : groups.heard(message.string())),
    })
    this.#forget = [() => told.unsubscribe(), link.onDown(() => groups.heard())]
  }

  get partitions(): number {
    return this.#of.partitions.length
  }

  /** A partition at a time is in order; several go side by side. */
  async append(records: readonly Appending[]): Promise<number[]> {
    const offsets: number[] = records.map(() => -1)
    const lines = Map.groupBy(records.keys(), (n) => records[n]!.partition)
    const ended = await Promise.allSettled(
      [...lines].map(async ([partition, places]) => {
        const answer = await this.#of.partitions[partition]!.append(places.map((n) => records[n]!))
        places.forEach((n, at) => (offsets[n] = answer[at]!))
      }),
    )
    for (const each of ended) if (each.status === 'rejected') throw each.reason
    return offsets
  }

  /** Answers none when it is closed meanwhile. */
  async read(
    partition: number,
    offset: number | bigint,
    options: Parameters<StreamDriver['read']>[2],
  ): Promise<StoredRecord[]> {
    const closing = this.#closing.signal
    const signal = AbortSignal.any([options.signal, closing])
    const reading = this.#of.partitions[partition]!.read(Number(offset), { ...options, signal })
    return reading.catch((error: unknown) => {
      if (closing.aborted) return []
      throw error
    })
  }

  bounds(): Promise<Bounds[]> {
    return Promise.all(this.#of.partitions.map((each) => each.bounds()))
  }

  offsetsAt(timestamp: number): Promise<number[]> {
    return Promise.all(this.#of.partitions.map((each) => each.offsetAt(timestamp)))
  }

  join(group: string, options: Parameters<StreamDriver['join']>[1]): Promise<Membership> {
    return this.#groups.join(group, options)
  }

  committed(group: string): Promise<Map<number, number | bigint>> {
    return this.#groups.committed(group)
  }

  seek(group: string, offsets: ReadonlyMap<number, number | bigint>): Promise<void> {
    return this.#groups.seek(group, offsets)
  }

  async groups(): Promise<GroupStats[]> {
    return this.#groups.stats(await this.bounds(), (group) => this.#parked.count(group))
  }

  async park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    await this.#groups.ensure(group)
    await this.#parked.park(group, records)
  }

  parked(group: string, { limit }: { limit: number }): Promise<ParkedRecord[]> {
    return this.#parked.parked(group, limit)
  }

  async trim({ ms, bytesPerPartition: bytes }: Retention): Promise<number> {
    const dropped = await Promise.all(this.#of.partitions.map((each) => each.trim({ ms, bytes })))
    if (ms !== undefined) await this.#parked.trim(ms)
    return dropped.reduce((sum, count) => sum + count, 0)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const forget of this.#forget.splice(0)) forget()
    await this.#of.release()
  }
}

export async function open(context: OpenContext): Promise<StreamEngine> {
  return { open: (shape) => openStream(context, shape) }
}

async function openStream(context: OpenContext, shape: StreamShape): Promise<StreamDriver> {
  const { link, release } = await takeLink(context.url)
  try {
    if (link.maxPayload < 2 * headerRoom)
      throw new AshlarError(
        'unsupported',
        `this NATS server takes messages of ${link.maxPayload} bytes; at least ${2 * headerRoom} are needed: raise its max_payload`,
      )
    const places = new Places(engineName(context))
    const newest = { max_msgs_per_subject: 1 }
    await Promise.all([
      ensureStream(link, { name: places.groups, subjects: [places.shape, places.everyGroup], ...newest }),
      ensureStream(link, { name: places.parked, subjects: [places.everyParked], ...newest }),
    ])
    checkShape(context.name, await shapeOf(link, places, shape.partitions), shape.partitions)
    return new NatsStream({ link, release, places, partitions: await partitionsOf(link, places, shape.partitions) })
  } catch (error) {
    await release()
    throw error
  }
}

/** How many partitions there are: as many as the first who opened it said. */
async function shapeOf(link: Link, places: Places, asked: number): Promise<number> {
  const { text } = await readKept(link, places.groups, places.shape)
  if (text !== undefined) return (JSON.parse(text) as StreamShape).partitions
  try {
    await writeKept(link, places.shape, JSON.stringify({ partitions: asked }), 0)
    return asked
  } catch (error) {
    if (!isConflict(error)) throw error
    return shapeOf(link, places, asked)
  }
}

async function partitionsOf(link: Link, places: Places, count: number): Promise<Partition[]> {
  const partitions: Partition[] = []
  for (let from = 0; from < count; from += openAtOnce) {
    const numbers = Array.from({ length: Math.min(openAtOnce, count - from) }, (_, n) => from + n)
    partitions.push(...(await Promise.all(numbers.map((each) => Partition.open(link, places.partition(each))))))
  }
  return partitions
}
