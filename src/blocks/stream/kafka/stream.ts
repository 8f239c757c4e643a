import type { Admin } from '@platformatic/kafka'
import { withinMs } from '../../../deadline.ts'
import type { KafkaEntry } from '../../../kafka/batches.ts'
import { Fetcher } from '../../../kafka/fetcher.ts'
import { Groups } from '../../../kafka/groups.ts'
import { Member } from '../../../kafka/membership.ts'
import { ParkedTopic } from '../../../kafka/parked.ts'
import { Producer, type KafkaRecord } from '../../../kafka/producer.ts'
import { cutBySize } from '../../../kafka/sizes.ts'
import type { Topic } from '../../../kafka/topic.ts'
import type {
  Appending,
  GroupStats,
  Membership,
  Offset,
  ParkedRecord,
  Retention,
  StoredRecord,
  StreamDriver,
} from '../driver.ts'

export interface KafkaSetup {
  topic: Topic
  engineName: string
  /** Kafka's limit for a batch. */
  maxMessageBytes: number
  release(): void
}

const callMs = 28_000
/** Every call ends, whatever the brokers do. */
const within = <R>(work: Promise<R>): Promise<R> => withinMs(work, callMs)

/** Room in a batch of one record for what is not the record's own. */
const framingBytes = 1024

export class KafkaStream implements StreamDriver {
  readonly capabilities
  readonly #topic: Topic
  readonly #groups: Groups
  readonly #producer: Producer
  readonly #fetcher: Fetcher
  readonly #parked: ParkedTopic
  readonly #members = new Set<Member>()
  readonly #closing = new AbortController()
  readonly #release: () => void
  #admin: Admin | undefined

  constructor({ topic, engineName, maxMessageBytes, release }: KafkaSetup) {
    const { signal } = this.#closing
    this.#topic = topic
    this.#release = release
    this.#groups = new Groups(topic, engineName)
    this.#producer = new Producer(topic, maxMessageBytes, signal)
    this.#fetcher = new Fetcher(topic, signal)
    this.#parked = new ParkedTopic(topic, maxMessageBytes, signal)
    const maxBytes = Math.max(1, maxMessageBytes - framingBytes)
    this.capabilities = { compaction: true, contiguous: true, trims: true, maxBytes }
  }

  get partitions(): number {
    return this.#topic.partitions
  }

  get native(): { admin: Admin; topic: string; groupId(group: string): string } {
    const { cluster, name } = this.#topic
    const { sasl, tls, clientId } = cluster.url
    const options = { clientId, bootstrapBrokers: cluster.url.hosts, ...(sasl && { sasl }), ...(tls && { tls }) }
    this.#admin ??= new cluster.kafka.Admin(options)
    return { admin: this.#admin, topic: name, groupId: (group) => this.#groups.idOf(group) }
  }

  append(records: readonly Appending[]): Promise<number[]> {
    return within(this.#producer.append(records.map(recordOf)))
  }

  async read(
    partition: number,
    offset: Offset,
    { maxRecords, maxBytes, waitMs, signal }: Parameters<StreamDriver['read']>[2],
  ): Promise<StoredRecord[]> {
    const found = await this.#fetcher.read({ partition, offset: Number(offset), maxBytes }, { waitMs, signal })
    const records: StoredRecord[] = []
    let bytes = 0
    for (const entry of found.slice(0, maxRecords)) {
      const record = storedOf(entry)
      bytes += (entry.key?.length ?? 0) + (entry.value?.length ?? 0)
      if (records.length > 0 && bytes > maxBytes) break
      records.push(record)
    }
    return records
  }

  async bounds(): Promise<{ start: number; end: number }[]> {
    const [starts, ends] = await within(Promise.all([this.#topic.starts(), this.#topic.ends()]))
    return starts.map((start, partition) => ({ start, end: Math.max(start, ends[partition]!) }))
  }

  async offsetsAt(timestamp: number): Promise<number[]> {
    const ends = await within(this.#topic.ends())
    const found = await within(this.#topic.offsetsAt(timestamp))
    return found.map((offset, partition) => (offset < 0 ? ends[partition]! : offset))
  }

  async join(
    group: string,
    { sessionMs, changed }: { member: string; sessionMs: number; changed?: () => void },
  ): Promise<Membership> {
    const onLeave = () => void this.#members.delete(member)
    const of = { topic: this.#topic, groups: this.#groups, group, sessionMs, changed, onLeave }
    const member: Member = new Member(of)
    this.#members.add(member)
    try {
      await within(member.heartbeat(false))
    } catch (error) {
      member.close()
      throw error
    }
    return {
      heartbeat: (holding) => within(member.heartbeat(holding)),
      commit: (generation, offsets) => within(member.commit(generation, numbersOf(offsets))),
      leave: () => within(member.leave()),
    }
  }

  committed(group: string): Promise<Map<number, number>> {
    return within(this.#groups.committed(group))
  }

  seek(group: string, offsets: ReadonlyMap<number, Offset>): Promise<void> {
    return within(this.#groups.seek(group, numbersOf(offsets)))
  }

  async groups(): Promise<GroupStats[]> {
    const asking = Promise.all([this.bounds(), this.#groups.list(), this.#parked.counts()])
    const [bounds, groups, parked] = await within(asking)
    const lagOf = (partition: number, committed: number) => {
      const { start, end } = bounds[partition]!
      return Math.max(0, end - Math.max(committed, start))
    }
    const known = new Map(groups.map((each) => [each.group, each]))
    const names = [...new Set([...known.keys(), ...parked.keys()])]
    return names.map((group) => {
      const { members, committed } = known.get(group) ?? { members: 0, committed: new Map<number, number>() }
      const partitions = [...committed]
        .sort(([a], [b]) => a - b)
        .map(([partition, next]) => ({ partition, committed: next, lag: lagOf(partition, next) }))
      return { group, members, parked: parked.get(group) ?? 0, partitions }
    })
  }

  park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    const parking = records.map((record) => ({ ...record, offset: Number(record.offset) }))
    return within(this.#parked.park(group, parking))
  }

  parked(group: string, { limit }: { limit: number }): Promise<ParkedRecord[]> {
    return within(this.#parked.list(group, limit))
  }

  trim(retain: Retention): Promise<number> {
    return within(this.#trim(retain))
  }

  async #trim({ ms, bytesPerPartition, compact }: Retention): Promise<number> {
    const bounds = await this.bounds()
    const byTime = ms === undefined || compact ? [] : await this.#topic.offsetsAt(Date.now() - ms)
    const cuts = new Map<number, number>()
    for (const [partition, { start, end }] of bounds.entries()) {
      const oldest = byTime[partition] ?? start
      let cut = oldest < 0 ? end : Math.min(oldest, end)
      if (bytesPerPartition !== undefined)
        cut = await cutBySize(this.#topic, { partition, start: Math.max(start, cut), end, maxBytes: bytesPerPartition })
      if (cut > start) cuts.set(partition, cut)
    }
    if (cuts.size > 0) await this.#topic.deleteBefore(cuts)
    if (ms !== undefined) await this.#parked.trim(Date.now() - ms)
    return [...cuts].reduce((sum, [partition, cut]) => sum + cut - bounds[partition]!.start, 0)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const member of this.#members) member.close()
    this.#fetcher.close()
    this.#parked.close()
    this.#release()
    await this.#admin?.close().catch(() => undefined)
  }
}

function recordOf({ partition, key, value, headers, timestamp }: Appending): KafkaRecord {
  const named = new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]))
  return { partition, key, value, headers: named, timestamp }
}

function storedOf({ offset, key, value, headers, timestamp }: KafkaEntry): StoredRecord {
  const named = headers.map(([name, content]) => [name?.toString() ?? '', content?.toString() ?? ''])
  return { offset, key, value, headers: Object.fromEntries(named), timestamp }
}

const numbersOf = (offsets: ReadonlyMap<number, Offset>) =>
  new Map([...offsets].map(([partition, offset]) => [partition, Number(offset)]))
