import { setTimeout as sleep } from 'node:timers/promises'
import { AshlarError } from '../errors.ts'
import type { Cluster, Metadata } from './cluster.ts'
import { isNetwork, isOne, isStale } from './errors.ts'

type Described = Metadata['topics'][number]

const madeMs = 15_000
const electionMs = 5_000
const pauseMs = 50
const topicResource = 2
const readCommitted = 1
const earliest = -2n
const latest = -1n

/** A topic: who leads its partitions, what is in them, how it is kept. What leads elsewhere by now is asked for again, once. */
export class Topic {
  readonly name: string
  readonly cluster: Cluster
  #id = ''
  #leaders: number[] = []

  constructor(cluster: Cluster, name: string) {
    this.cluster = cluster
    this.name = name
  }

  get id(): string {
    return this.#id
  }

  get partitions(): number {
    return this.#leaders.length
  }

  /** @throws `unavailable` when nobody leads it now */
  leaderOf(partition: number): number {
    const leader = this.#leaders[partition]
    if (leader !== undefined && leader >= 0) return leader
    throw new AshlarError('unavailable', `partition ${partition} of topic '${this.name}' has no leader now`)
  }

  async #describe(): Promise<Described | undefined> {
    const { topics } = await this.cluster.metadata([this.name])
    const described = topics[0]
    if (!described || described.errorCode === 0) return described
    const known = this.cluster.kafka.protocolErrorsCodesById[described.errorCode]
    if (known === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    if (known === 'LEADER_NOT_AVAILABLE') return described
    throw new this.cluster.kafka.ProtocolError(described.errorCode, `topic '${this.name}'`)
  }

  /** Asks anew. Answers whether the topic is there. */
  async refresh(): Promise<boolean> {
    const described = await this.#describe()
    if (!described) return false
    this.#id = described.topicId
    const leaders = Array.from({ length: described.partitions.length }, () => -1)
    for (const { partitionIndex, leaderId } of described.partitions) leaders[partitionIndex] = leaderId
    this.#leaders = leaders
    return true
  }

  /** Makes the topic if it is not there; whoever else does so at the same moment is no harm. Resolves when all partitions are led. */
  async ensure(partitions: number, configs: Record<string, string>): Promise<void> {
    if (!(await this.refresh())) await this.#make(partitions, configs)
    for (const end = performance.now() + madeMs; ; await sleep(pauseMs)) {
      if ((await this.refresh()) && this.#leaders.every((leader) => leader >= 0)) return
      if (performance.now() > end)
        throw new AshlarError(
          'timeout',
          `topic '${this.name}' is not ready after ${madeMs} ms: partitions have no leader`,
        )
    }
  }

  async #make(numPartitions: number, configs: Record<string, string>): Promise<void> {
    const { kafka, url } = this.cluster
    const safety: Record<string, string> = url.replication >= 3 ? { 'min.insync.replicas': '2' } : {}
    const topic = {
      name: this.name,
      numPartitions,
      replicationFactor: url.replication,
      assignments: [],
      configs: Object.entries({ ...safety, ...configs }).map(([name, value]) => ({ name, value })),
    }
    const controller = await this.cluster.controller()
    try {
      await controller.ask(kafka.createTopicsV7.api, [topic], madeMs / 2, false)
    } catch (error) {
      if (!isOne(error, 'TOPIC_ALREADY_EXISTS')) throw error
    }
  }

  configs(names: readonly string[]): Promise<Record<string, string>> {
    return this.cluster.topicConfigs(this.name, names)
  }

  /** Sets those that are different. */
  async configure(configs: Record<string, string>): Promise<void> {
    const there = await this.configs(Object.keys(configs))
    const changes = Object.entries(configs).filter(([name, value]) => there[name] !== value)
    if (changes.length === 0) return
    const asked = {
      resourceType: topicResource,
      resourceName: this.name,
      configs: changes.map(([name, value]) => ({ name, value, configOperation: 0 as const })),
    } as const
    const controller = await this.cluster.controller()
    await controller.ask(this.cluster.kafka.incrementalAlterConfigsV1.api, [asked], false)
  }

  /**
   * Does something by leaders. One that has changed is asked for again, for as long as an election takes: brokers are named
   * leaders a moment before they know it themselves. A broker that does not answer is tried once more.
   */
  async led<R>(work: () => Promise<R>): Promise<R> {
    const end = performance.now() + electionMs
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        const mayPass = isStale(error) ? performance.now() < end : isNetwork(error) && attempt === 1
        if (!mayPass) throw error
        if (attempt > 1) await sleep(pauseMs)
        if (!(await this.refresh())) throw error
      }
    }
  }

  /** Each leader with its partitions. */
  byLeader(partitions: readonly number[]): Map<number, number[]> {
    const groups = new Map<number, number[]>()
    for (const partition of partitions) {
      const leader = this.leaderOf(partition)
      groups.set(leader, [...(groups.get(leader) ?? []), partition])
    }
    return groups
  }

  get all(): number[] {
    return this.#leaders.map((_, partition) => partition)
  }

  starts(): Promise<number[]> {
    return this.#offsets(earliest)
  }

  /** Where what is committed ends: a transaction of another writer that is still open holds it. */
  ends(): Promise<number[]> {
    return this.#offsets(latest)
  }

  /** First offset at or after a time, -1 where there is none. */
  offsetsAt(timestamp: number): Promise<number[]> {
    return this.#offsets(BigInt(Math.trunc(timestamp)))
  }

  #offsets(timestamp: bigint): Promise<number[]> {
    return this.led(async () => {
      const offsets = Array.from<number>({ length: this.partitions })
      const asking = [...this.byLeader(this.all)].map(async ([leader, partitions]) => {
        const asked = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
        const { topics } = await this.cluster
          .at(leader)
          .ask(this.cluster.kafka.listOffsetsV7.api, -1, readCommitted, [{ name: this.name, partitions: asked }])
        for (const { partitionIndex, offset } of topics[0]!.partitions) offsets[partitionIndex] = Number(offset)
      })
      await Promise.all(asking)
      return offsets
    })
  }

  /** Drops all records before these offsets. */
  async deleteBefore(cuts: ReadonlyMap<number, number>): Promise<void> {
    await this.led(async () => {
      const asking = [...this.byLeader([...cuts.keys()])].map(([leader, partitions]) => {
        const asked = partitions.map((partitionIndex) => ({
          partitionIndex,
          offset: BigInt(cuts.get(partitionIndex)!),
        }))
        const { deleteRecordsV2 } = this.cluster.kafka
        return this.cluster.at(leader).ask(deleteRecordsV2.api, [{ name: this.name, partitions: asked }], 8_000)
      })
      await Promise.all(asking)
    })
  }
}
