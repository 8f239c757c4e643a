import type { MessageRecord, produceV9 } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { isElsewhere, isNetwork, isOne, isStale } from './errors.ts'
import type { Topic } from './topic.ts'

/** One record on its way to a partition. */
export interface KafkaRecord {
  partition: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: ReadonlyMap<string, Uint8Array>
  timestamp: number
}

/** As whom a process writes: with it and a sequence per partition brokers know a request that they have stored already. */
interface Identity {
  id: bigint
  epoch: number
}

/** A partition as this producer writes it. */
interface Line {
  identity: Identity | undefined
  sequence: number
  /** Resolves when those before have been written, or not. */
  tail: Promise<unknown>
}

/** What goes to one partition at once: it lies together in the log. */
interface Batch {
  /** Places of the records in the call. */
  places: number[]
  bytes: number
}

interface Group {
  leader: number
  identity: Identity
  partitions: number[]
}

type PartitionAnswer = produceV9.ProduceResponsePartition

/** Tried so long; with the request and the look at the cluster then under way it is less than 30 s in all. */
const appendMs = 14_000
const writeMs = 6_000
const pauseMs = 100
const all = -1
const maxEpoch = 32_766
const batchBytes = 61
const recordBytes = 32
const headerBytes = 10

/** What a record takes in a batch, at most. */
export function sizeOf({ key, value, headers }: Omit<KafkaRecord, 'partition' | 'timestamp'>): number {
  let bytes = recordBytes + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers) bytes += headerBytes + Buffer.byteLength(name) + content.length
  return bytes
}

/**
 * Writes records, idempotently: what is tried again after a lost answer is not stored twice. Each partition has one request
 * under way at a time, so that order survives failures.
 */
export class Producer {
  readonly #topic: Topic
  readonly #maxBatchBytes: number
  readonly #lines = new Map<number, Line>()
  readonly #closing: AbortSignal
  #identity: Promise<Identity> | undefined

  constructor(topic: Topic, maxBatchBytes: number, closing: AbortSignal) {
    this.#topic = topic
    this.#maxBatchBytes = maxBatchBytes
    this.#closing = closing
  }

  /** Answers the records' offsets. When it fails, a part may be stored. */
  async append(records: readonly KafkaRecord[]): Promise<number[]> {
    const waiting = batchesOf(records, this.#maxBatchBytes)
    const lines = [...waiting.keys()].map((partition) => this.#line(partition))
    const work = Promise.all(lines.map(({ tail }) => tail)).then(() => this.#write(records, waiting))
    const settled = work.catch(() => undefined)
    for (const line of lines) line.tail = settled
    return work
  }

  #line(partition: number): Line {
    let line = this.#lines.get(partition)
    if (!line) this.#lines.set(partition, (line = { identity: undefined, sequence: 0, tail: Promise.resolve() }))
    return line
  }

  async #write(records: readonly KafkaRecord[], waiting: Map<number, Batch[]>): Promise<number[]> {
    const offsets = Array.from<number>({ length: records.length })
    const end = performance.now() + appendMs
    const isLate = () => performance.now() > end || this.#closing.aborted
    try {
      while (waiting.size > 0) {
        const failed = await this.#round(records, waiting, offsets)
        if (failed === undefined) continue
        if (isLate() || !mayPass(failed)) throw failed
        await sleep(pauseMs)
        await this.#topic.refresh().catch(() => undefined)
        if (isLate()) throw failed
      }
    } catch (error) {
      for (const partition of waiting.keys()) this.#forget(partition, error)
      throw error
    }
    return offsets
  }

  /** Sends the first batch of each partition. What is stored is taken off `waiting`. Answers an error, if there was one. */
  async #round(records: readonly KafkaRecord[], waiting: Map<number, Batch[]>, offsets: number[]): Promise<unknown> {
    const groups = await this.#groups([...waiting.keys()]).catch((error: unknown) => ({ error }))
    if ('error' in groups) return groups.error
    const sending = groups.map((group) => this.#send(group, records, waiting))
    let failed: unknown
    for (const outcome of await Promise.allSettled(sending)) {
      if (outcome.status === 'rejected') failed = outcome.reason
      else failed = this.#note(outcome.value, waiting, offsets) ?? failed
    }
    return failed
  }

  /** What one request can carry: partitions of one leader, written as one identity. */
  async #groups(partitions: readonly number[]): Promise<Group[]> {
    const groups = new Map<string, Group>()
    for (const partition of partitions) {
      const line = this.#line(partition)
      line.identity ??= await this.#identify()
      const leader = this.#topic.leaderOf(partition)
      const { id, epoch } = line.identity
      const key = `${leader}/${id}/${epoch}`
      const group = groups.get(key) ?? { leader, identity: line.identity, partitions: [] }
      groups.set(key, group)
      group.partitions.push(partition)
    }
    return [...groups.values()]
  }

  async #identify(): Promise<Identity> {
    this.#identity ??= this.#newIdentity()
    try {
      return await this.#identity
    } catch (error) {
      this.#identity = undefined
      throw error
    }
  }

  async #newIdentity(): Promise<Identity> {
    const { cluster } = this.#topic
    const answer = await cluster.anywhere(cluster.kafka.initProducerIdV4.api, null, appendMs)
    return { id: answer.producerId, epoch: answer.producerEpoch }
  }

  async #send(
    { leader, identity, partitions }: Group,
    records: readonly KafkaRecord[],
    waiting: ReadonlyMap<number, Batch[]>,
  ): Promise<PartitionAnswer[]> {
    const { cluster, name } = this.#topic
    const batches = partitions.map((partition) => waiting.get(partition)![0]!)
    const messages = batches.flatMap(({ places }) => places.map((place) => messageOf(name, records[place]!)))
    const sequences = partitions.map((partition) => [`${name}:${partition}`, this.#line(partition).sequence] as const)
    const options = {
      producerId: identity.id,
      producerEpoch: identity.epoch,
      sequences: new cluster.kafka.NumericMap(sequences),
      compression: 'none' as const,
    }
    try {
      const answer = await cluster.at(leader).ask(cluster.kafka.produceV9.api, all, writeMs, messages, options)
      return answersOf(answer as produceV9.ProduceResponse)
    } catch (error) {
      const { response } = error as { response?: produceV9.ProduceResponse }
      if (response?.responses) return answersOf(response)
      throw error
    }
  }

  #note(answers: readonly PartitionAnswer[], waiting: Map<number, Batch[]>, offsets: number[]): unknown {
    let failed: unknown
    for (const { index, errorCode, errorMessage, baseOffset } of answers) {
      if (errorCode !== 0) {
        failed = new this.#topic.cluster.kafka.ProtocolError(errorCode, errorMessage)
        continue
      }
      const [batch, ...rest] = waiting.get(index)!
      batch!.places.forEach((place, n) => (offsets[place] = Number(baseOffset) + n))
      const line = this.#line(index)
      line.sequence = (line.sequence + batch!.places.length) % 2 ** 31
      if (rest.length > 0) waiting.set(index, rest)
      else waiting.delete(index)
    }
    return failed
  }

  /**
   * It is not known what of this partition was stored, or will be: the next request goes on under a higher epoch, with which
   * brokers refuse what is still on its way from before.
   */
  #forget(partition: number, failed: unknown): void {
    const line = this.#line(partition)
    line.sequence = 0
    const isUseless = isOne(failed, 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING')
    const { id, epoch } = line.identity ?? { id: 0n, epoch: maxEpoch }
    line.identity = epoch < maxEpoch && !isUseless ? { id, epoch: epoch + 1 } : undefined
    if (line.identity === undefined) this.#identity = undefined
  }
}

const mayPass = (error: unknown) =>
  isNetwork(error) ||
  isStale(error) ||
  isElsewhere(error) ||
  isOne(error, 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT', 'NETWORK_EXCEPTION')

function answersOf({ responses }: produceV9.ProduceResponse): PartitionAnswer[] {
  return responses.flatMap(({ partitionResponses }) => partitionResponses)
}

function messageOf(topic: string, { partition, key, value, headers, timestamp }: KafkaRecord): MessageRecord {
  const named = [...headers].map(([name, content]) => [Buffer.from(name), bufferOf(content)] as const)
  const bytes = { ...(key && { key: bufferOf(key) }), ...(value && { value: bufferOf(value) }) }
  return { topic, partition, timestamp: BigInt(timestamp), headers: new Map(named), ...bytes } as MessageRecord
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Records by partition, in order, cut into batches that a broker takes. */
function batchesOf(records: readonly KafkaRecord[], maxBytes: number): Map<number, Batch[]> {
  const found = new Map<number, Batch[]>()
  records.forEach((record, place) => {
    const { partition } = record
    const bytes = sizeOf(record)
    const batches = found.get(partition) ?? []
    found.set(partition, batches)
    let batch = batches.at(-1)
    if (!batch || batch.bytes + bytes > maxBytes) batches.push((batch = { places: [], bytes: batchBytes }))
    batch.places.push(place)
    batch.bytes += bytes
  })
  return found
}
