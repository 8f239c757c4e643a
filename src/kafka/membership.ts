import { setTimeout as sleep } from 'node:timers/promises'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  rangesOf,
} from './consumer-protocol.ts'
import { isOne, Refused } from './errors.ts'
import type { Groups } from './groups.ts'
import { MemberLinks, rebalanceMs } from './member-links.ts'
import type { Topic } from './topic.ts'

/** What a member owns; structurally what the stream block calls an assignment. */
interface Share {
  generation: number
  partitions: number[]
  settling: boolean
}

export interface MemberSetup {
  topic: Topic
  groups: Groups
  group: string
  sessionMs: number
  /** Called when a heartbeat would tell something new. */
  changed: (() => void) | undefined
  onLeave(): void
}

/** How long one heartbeat waits for the others of a rebalance before it says that it is still under way. */
const settleMs = 100
const watchMs = 1_000
const maxJoins = 10
const noGeneration = -1
const type = 'consumer'
const assignor = 'range'

/**
 * A member of a group of Kafka's own, by its classic protocol, so that other tools see the group and Kafka fences its
 * generations. Kafka lives on heartbeats alone; it is joined again only when its holder has let go of all partitions.
 */
export class Member {
  readonly #of: MemberSetup
  readonly #groupId: string
  readonly #links: MemberLinks
  #sessionMs: number
  #memberId = ''
  /** -1: we are in none. */
  #generation = noGeneration
  #owned: number[] = []
  /** What was committed, by this member or before, of the partitions of its generation. */
  #committed: Promise<Map<number, number>> | undefined
  #joining: Promise<void> | undefined
  #watching: NodeJS.Timeout | undefined
  #left = false

  constructor(of: MemberSetup) {
    this.#of = of
    this.#sessionMs = of.sessionMs
    this.#groupId = of.groups.idOf(of.group)
    this.#links = new MemberLinks(of.topic.cluster, this.#groupId)
    if (of.changed && of.sessionMs / 3 > watchMs) this.#watch(of.changed)
  }

  async heartbeat(holding: boolean): Promise<Share> {
    if (this.#left) throw new Refused(`this member has left group '${this.#of.group}'`)
    if (this.#joining) return this.#settle(this.#joining)
    if (this.#generation !== noGeneration && (await this.#beat())) return this.#share(false)
    if (holding) return this.#share(true)
    this.#joining = this.#join().finally(() => (this.#joining = undefined))
    this.#joining.catch(() => undefined)
    return this.#settle(this.#joining)
  }

  #share(settling: boolean): Share {
    return { generation: this.#generation, partitions: settling ? [] : this.#owned, settling }
  }

  /** Waits a little for a rebalance to end. */
  async #settle(joining: Promise<void>): Promise<Share> {
    const stop = new AbortController()
    const late = sleep(settleMs, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const)
    try {
      return this.#share((await Promise.race([joining, late])) === 'late')
    } finally {
      stop.abort()
    }
  }

  /** Answers false when the group has gone on without us, or waits for us. */
  async #beat(): Promise<boolean> {
    const { heartbeatV4 } = this.#of.topic.cluster.kafka
    try {
      await this.#links.ask((link) => link.ask(heartbeatV4.api, this.#groupId, this.#generation, this.#memberId, null))
      return true
    } catch (error) {
      if (isOne(error, 'REBALANCE_IN_PROGRESS')) return false
      if (!isOne(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error
      if (isOne(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = ''
      this.#generation = noGeneration
      this.#owned = []
      return false
    }
  }

  async #join(): Promise<void> {
    try {
      for (let attempt = 1; !(await this.#joinOnce(attempt)) && !this.#left; attempt++);
    } finally {
      this.#links.endWaiting()
    }
  }

  /** Answers false when it must be tried again. */
  async #joinOnce(attempt: number): Promise<boolean> {
    try {
      await this.#joinAndSync()
      return true
    } catch (error) {
      if (attempt >= maxJoins) throw error
      if (isOne(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = ''
      else if (isOne(error, 'MEMBER_ID_REQUIRED')) this.#memberId = memberIdIn(error)
      else if (isOne(error, 'INVALID_SESSION_TIMEOUT'))
        this.#sessionMs = await this.#links.sessionWithin(this.#sessionMs)
      else if (!isOne(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION')) throw error
      return false
    }
  }

  async #joinAndSync(): Promise<void> {
    const { topic } = this.#of
    const { joinGroupV7, syncGroupV5 } = topic.cluster.kafka
    const [groupId, sessionMs] = [this.#groupId, this.#sessionMs]
    const protocols = [{ name: assignor, metadata: encodeSubscription(topic.name) }]
    const joined = await this.#links.wait((link) =>
      link.ask(joinGroupV7.api, groupId, sessionMs, rebalanceMs, this.#memberId, null, type, protocols),
    )
    const { generationId, memberId, leader, members, protocolName } = joined
    this.#memberId = memberId
    const shares = leader === memberId ? this.#divide(members) : []
    const { assignment } = await this.#links.wait((link) =>
      link.ask(syncGroupV5.api, groupId, generationId, memberId, null, type, protocolName, shares),
    )
    this.#owned = decodeAssignment(assignment, topic.name).sort((a, b) => a - b)
    this.#generation = generationId
    this.#committed = undefined
  }

  /** The first member divides for all; those who joined by another tool may not read this topic. */
  #divide(members: readonly { memberId: string; metadata: Buffer }[]) {
    const { topic } = this.#of
    const readers = members.filter(({ metadata }) => decodeSubscription(metadata).includes(topic.name))
    const ranges = rangesOf(
      readers.map(({ memberId }) => memberId),
      topic.partitions,
    )
    return members.map(({ memberId }) => ({
      memberId,
      assignment: encodeAssignment(topic.name, ranges.get(memberId) ?? []),
    }))
  }

  /**
   * Kafka refuses what comes from another generation. That a commit only moves forward is checked here: in a generation a
   * partition has one owner, so nobody else commits in between.
   * @throws `Refused`
   */
  async commit(generation: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { groups, group, topic } = this.#of
    const owned = new Set(this.#owned)
    if (generation !== this.#generation || ![...offsets.keys()].every((partition) => owned.has(partition)))
      throw new Refused(`generation ${generation} of group '${group}' is over for this member`)
    const committed = await this.#placesOf(generation)
    const forward = new Map([...offsets].filter(([partition, offset]) => offset > (committed.get(partition) ?? -1)))
    if (forward.size === 0) return
    const { offsetCommitV8 } = topic.cluster.kafka
    await this.#links.ask((link) =>
      link.ask(offsetCommitV8.api, this.#groupId, generation, this.#memberId, null, [groups.commitOf(forward)]),
    )
    for (const [partition, offset] of forward)
      committed.set(partition, Math.max(offset, committed.get(partition) ?? -1))
  }

  #placesOf(generation: number): Promise<Map<number, number>> {
    this.#committed ??= this.#of.groups.committed(this.#of.group).catch((error: unknown) => {
      if (this.#generation === generation) this.#committed = undefined
      throw error
    })
    return this.#committed
  }

  /** Between two heartbeats that are far apart: looks, without counting as a sign of life, whether the group waits for us. */
  #watch(changed: () => void): void {
    this.#watching = setTimeout(async () => {
      const { groups, group } = this.#of
      const { state, members } = await groups.describe(group).catch(() => ({ state: '', members: [] as string[] }))
      const isOut = this.#generation !== noGeneration && !members.includes(this.#memberId)
      if (state !== '' && (state !== 'Stable' || isOut)) changed()
      if (!this.#left) this.#watch(changed)
    }, watchMs).unref()
  }

  async leave(): Promise<void> {
    this.#stop()
    const { leaveGroupV5 } = this.#of.topic.cluster.kafka
    const members = [{ memberId: this.#memberId, groupInstanceId: null, reason: 'closed' }]
    try {
      if (this.#memberId) await this.#links.ask((link) => link.ask(leaveGroupV5.api, this.#groupId, members))
    } catch (error) {
      if (!isOne(error, 'UNKNOWN_MEMBER_ID')) throw error
    } finally {
      this.close()
    }
  }

  #stop(): void {
    this.#left = true
    clearTimeout(this.#watching)
    this.#of.onLeave()
  }

  /** Without a word to the group. */
  close(): void {
    this.#stop()
    this.#links.close()
  }
}

/** Kafka gives a new member its name in an error, and wants to be asked again under it. */
function memberIdIn(error: unknown): string {
  return (error as { response?: { memberId?: string } }).response?.memberId ?? ''
}
