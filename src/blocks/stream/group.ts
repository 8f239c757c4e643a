import type { Assignment } from './driver.ts'

/** One member, as drivers that keep groups themselves store it. */
export interface Member {
  id: string
  /** When its session ends, by the clock of the store, in milliseconds. */
  untilMs: number
  /** Order of joining. */
  joined: number
  /** Which share of the partitions it has in this generation. */
  slot: number | undefined
  /** During a rebalance: it has stopped work on what it had. */
  ready: boolean
}

/** A consumer group. It is either stable, or settling: waiting until all members have let go of their partitions. */
export interface Group {
  generation: number
  /** How many shares there are in this generation. */
  slots: number
  settling: boolean
  /** Counts joins, to give them an order. */
  joins: number
  members: Map<string, Member>
}

export function emptyGroup(): Group {
  return { generation: 0, slots: 0, settling: false, joins: 0, members: new Map() }
}

/** A member says that it lives, or joins. Members whose session has ended go. */
export function beat(group: Group, id: string, at: { nowMs: number; sessionMs: number; holding: boolean }): void {
  const { nowMs, sessionMs, holding } = at
  expire(group, nowMs)
  const known = group.members.get(id)
  if (!known) group.settling = true
  const member = known ?? { id, untilMs: 0, joined: ++group.joins, slot: undefined, ready: false }
  group.members.set(id, member)
  member.untilMs = nowMs + sessionMs
  if (group.settling && !holding) member.ready = true
  settle(group)
}

/** A member leaves; its partitions are free at once. */
export function leave(group: Group, id: string, nowMs: number): void {
  expire(group, nowMs)
  if (group.members.delete(id)) group.settling = true
  settle(group)
}

export function expire(group: Group, nowMs: number): void {
  for (const { id, untilMs } of group.members.values()) {
    if (untilMs > nowMs) continue
    group.members.delete(id)
    group.settling = true
  }
}

/** Once all have let go, the next generation begins: shares by the order of joining. */
function settle(group: Group): void {
  const members = [...group.members.values()].sort((a, b) => a.joined - b.joined)
  if (!group.settling || members.some(({ ready }) => !ready)) return
  group.generation++
  group.settling = false
  group.slots = members.length
  members.forEach((member, slot) => {
    member.slot = slot
    member.ready = false
  })
}

/** What a member owns: every partition whose number leaves its share's number over. */
export function assignmentOf(group: Group, id: string, partitions: number): Assignment {
  const { generation, settling, slots } = group
  const slot = group.members.get(id)?.slot
  const owned = settling || slot === undefined ? [] : Array.from({ length: partitions }, (_, partition) => partition)
  return { generation, settling, partitions: owned.filter((partition) => partition % slots === slot) }
}

/** While a group settles, commits of the generation that ends are still taken. */
export function mayCommit(group: Group, id: string, generation: number, partitions: Iterable<number>): boolean {
  const slot = group.members.get(id)?.slot
  if (slot === undefined || generation !== group.generation) return false
  return [...partitions].every((partition) => partition % group.slots === slot)
}
