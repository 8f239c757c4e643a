import { isOne, Refused } from './errors.ts'
import { groupIdOf, groupOf } from './names.ts'
import type { Topic } from './topic.ts'

export interface KafkaGroup {
  group: string
  members: number
  committed: Map<number, number>
}

const noGeneration = -1

/** The groups of one stream, as Kafka keeps them. */
export class Groups {
  readonly #topic: Topic
  readonly #name: string

  constructor(topic: Topic, engineName: string) {
    this.#topic = topic
    this.#name = engineName
  }

  idOf(group: string): string {
    return groupIdOf(this.#name, group)
  }

  /** Next offset to read per partition, where one was committed. */
  async committed(group: string): Promise<Map<number, number>> {
    const { cluster, name, all } = this.#topic
    const groupId = this.idOf(group)
    const topics = [{ name, partitionIndexes: all }]
    return cluster.coordinating(groupId, async (broker) => {
      const api = cluster.kafka.offsetFetchV8.api
      const { groups } = await cluster.at(broker).ask(api, [{ groupId, memberEpoch: -1, topics }], false)
      const partitions = groups[0]?.topics.flatMap((each) => each.partitions) ?? []
      const known = partitions.filter(({ committedOffset }) => committedOffset >= 0n)
      return new Map(known.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]))
    })
  }

  /** Commits as nobody's member: Kafka takes it only while the group has none. @throws `Refused` */
  async seek(group: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { cluster } = this.#topic
    const groupId = this.idOf(group)
    try {
      await cluster.coordinating(groupId, (broker) =>
        cluster
          .at(broker)
          .ask(cluster.kafka.offsetCommitV8.api, groupId, noGeneration, '', null, [this.commitOf(offsets)]),
      )
    } catch (error) {
      if (!isOne(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS')) throw error
      throw new Refused(`group '${group}' has members; stop them first`, { cause: error })
    }
  }

  commitOf(offsets: ReadonlyMap<number, number>) {
    const partitions = [...offsets].map(([partitionIndex, offset]) => ({
      partitionIndex,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: '',
    }))
    return { name: this.#topic.name, partitions }
  }

  /** All that Kafka knows of, by asking each broker. */
  async list(): Promise<KafkaGroup[]> {
    const { cluster } = this.#topic
    await cluster.metadata([])
    const answers = await Promise.all(
      cluster.brokers.map((broker) => cluster.at(broker).ask(cluster.kafka.listGroupsV4.api, [], [])),
    )
    const ids = answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
    const names = [...new Set(ids)].flatMap((id) => groupOf(this.#name, id) ?? [])
    return Promise.all(
      names.map(async (group) => {
        const [members, committed] = await Promise.all([this.#members(group), this.committed(group)])
        return { group, members, committed }
      }),
    )
  }

  async #members(group: string): Promise<number> {
    return (await this.describe(group)).members.length
  }

  async describe(group: string): Promise<{ state: string; members: string[] }> {
    const { cluster } = this.#topic
    const groupId = this.idOf(group)
    return cluster.coordinating(groupId, async (broker) => {
      const { groups } = await cluster.at(broker).ask(cluster.kafka.describeGroupsV5.api, [groupId], false)
      const { groupState, members = [] } = groups[0] ?? { groupState: 'Dead' }
      const ids = [...members.values()].map((each) => each.memberId)
      return { state: groupState, members: ids }
    })
  }
}
