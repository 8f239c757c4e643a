import type { KafkaEntry } from './batches.ts'
import { Fetcher } from './fetcher.ts'
import { parkedTopicOf } from './names.ts'
import { Producer, type KafkaRecord } from './producer.ts'
import { Topic } from './topic.ts'

/** A record that a group has set aside, and why; structurally what the stream block parks. */
export interface Parked {
  partition: number
  offset: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Record<string, string>
  timestamp: number
  error: string
}

const pageBytes = 4 * 1024 ** 2
const headroomBytes = 64 * 1024
const maxKnown = 100_000

/**
 * What groups have set aside, in a topic of one partition beside the stream's own: made when it is first needed. At rest: key
 * `<group>/<partition>/<offset>`, the value as it was (none for a tombstone: the header `tombstone` says so), and as headers
 * `key`, `error`, `timestamp` and `headers` (JSON) of the record.
 */
export class ParkedTopic {
  readonly #topic: Topic
  readonly #producer: Producer
  readonly #fetcher: Fetcher
  readonly #maxBytes: number
  /** By group: what was seen in it so far, the offset here by the record's id. */
  readonly #known = new Map<string, Map<string, number>>()
  #next = 0
  #looking: Promise<void> | undefined

  constructor(main: Topic, maxBytes: number, closing: AbortSignal) {
    this.#topic = new Topic(main.cluster, parkedTopicOf(main.name))
    this.#maxBytes = maxBytes + headroomBytes
    this.#producer = new Producer(this.#topic, this.#maxBytes, closing)
    this.#fetcher = new Fetcher(this.#topic, closing)
  }

  async park(group: string, records: readonly Parked[]): Promise<void> {
    await this.#topic.ensure(1, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': '-1',
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(this.#maxBytes),
    })
    await this.#look()
    const isNew = ({ partition, offset }: Parked) => !this.#known.get(group)?.has(`${partition}/${offset}`)
    await this.#producer.append(records.filter(isNew).map((record) => recordOf(group, record)))
  }

  /** Oldest first, each once. */
  async list(group: string, limit: number): Promise<Parked[]> {
    if (!(await this.#isThere())) return []
    const found = new Map<string, Parked>()
    const [start, end] = await this.#bounds()
    for (let next = start; next < end && found.size < limit;) {
      const page = await this.#page(next)
      if (page.length === 0) break
      next = page.at(-1)!.offset + 1
      for (const entry of page) {
        const [of, id] = idOf(entry)
        if (of === group && !found.has(id) && found.size < limit) found.set(id, parkedOf(id, entry))
      }
    }
    return [...found.values()]
  }

  /** How many there are, by group. */
  async counts(): Promise<Map<string, number>> {
    if (!(await this.#isThere())) return new Map()
    await this.#look()
    return new Map([...this.#known].map(([group, ids]) => [group, ids.size]))
  }

  /** Drops those that were set aside before. */
  async trim(oldest: number): Promise<void> {
    if (!(await this.#isThere())) return
    const [start, end] = await this.#bounds()
    const [first] = await this.#topic.offsetsAt(oldest)
    const cut = first! < 0 ? end : first!
    if (cut > start) await this.#topic.deleteBefore(new Map([[0, cut]]))
  }

  async #isThere(): Promise<boolean> {
    return this.#topic.partitions > 0 || this.#topic.refresh()
  }

  async #bounds(): Promise<[number, number]> {
    const [starts, ends] = await Promise.all([this.#topic.starts(), this.#topic.ends()])
    return [starts[0]!, ends[0]!]
  }

  #page(offset: number): Promise<KafkaEntry[]> {
    const signal = new AbortController().signal
    return this.#fetcher.read({ partition: 0, offset, maxBytes: pageBytes }, { waitMs: 0, signal })
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Reads what is new, and forgets what is gone. */
  async #lookOnce(): Promise<void> {
    const [start, end] = await this.#bounds()
    for (const ids of this.#known.values()) for (const [id, offset] of ids) if (offset < start) ids.delete(id)
    this.#next = Math.max(this.#next, start, end - maxKnown)
    while (this.#next < end) {
      const page = await this.#page(this.#next)
      if (page.length === 0) return
      for (const entry of page) this.#remember(entry)
      this.#next = page.at(-1)!.offset + 1
    }
  }

  #remember(entry: KafkaEntry): void {
    const [group, id] = idOf(entry)
    const ids = this.#known.get(group) ?? new Map<string, number>()
    this.#known.set(group, ids)
    if (!ids.has(id)) ids.set(id, entry.offset)
  }

  close(): void {
    this.#fetcher.close()
  }
}

function recordOf(group: string, { partition, offset, key, value, headers, timestamp, error }: Parked): KafkaRecord {
  const named = new Map<string, Uint8Array>([
    ['error', Buffer.from(error)],
    ['timestamp', Buffer.from(String(timestamp))],
    ['headers', Buffer.from(JSON.stringify(headers))],
  ])
  if (key) named.set('key', key)
  if (!value) named.set('tombstone', Buffer.from('1'))
  const id = Buffer.from(`${group}/${partition}/${offset}`)
  return { partition: 0, key: id, value: value ?? Buffer.alloc(0), headers: named, timestamp: Date.now() }
}

/** The group, and the record within it. Groups have no `/` in their names. */
function idOf({ key }: KafkaEntry): [string, string] {
  const text = key?.toString() ?? ''
  const at = text.indexOf('/')
  return [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
}

function parkedOf(id: string, entry: KafkaEntry): Parked {
  const [partition, offset] = id.split('/').map(Number) as [number, number]
  const named = new Map(entry.headers.map(([name, content]) => [name?.toString() ?? '', content ?? Buffer.alloc(0)]))
  const text = (name: string) => named.get(name)?.toString() ?? ''
  return {
    partition,
    offset,
    key: named.get('key') ?? null,
    value: named.has('tombstone') ? null : entry.value,
    headers: JSON.parse(text('headers') || '{}'),
    timestamp: Number(text('timestamp')),
    error: text('error'),
  }
}
