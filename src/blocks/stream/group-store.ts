import { setTimeout as sleep } from 'node:timers/promises'
import { AshlarError } from '../../errors.ts'
import type { Assignment, Bounds, GroupStats, Membership, Offset } from './driver.ts'
import { assignmentOf, beat, emptyGroup, expire, leave, mayCommit, type Group, type Member } from './group.ts'

/*
 * Consumer groups for engines that have none of their own, or none that keeps our promises, but can compare and set: one text for
 * each group, with its members and offsets in it. So a commit is fenced by the very write that makes it.
 */

/** Where an engine keeps the texts. */
export interface GroupStore {
  /** Of all groups that were ever written. */
  names(): Promise<string[]>
  /** @returns the text, `undefined` before the first; what `write` is to compare with; the engine's clock, in ms */
  read(group: string): Promise<{ text: string | undefined; version: string; nowMs: number }>
  /** Durable when it answers true. False: another has written since that version was read, and nothing was changed. */
  write(group: string, text: string, version: string): Promise<boolean>
}

interface Kept extends Group {
  offsets: Map<number, Offset>
}

/** Attempts of one change; each that fails means that another one came through. */
const tries = 100
const longestPauseMs = 50

/** All groups of one stream. */
export class Groups {
  readonly #store: GroupStore
  readonly #partitions: number
  readonly #tell: (group: string) => void
  readonly #changed = new Map<string, Set<() => void>>()

  /** @param tell called when the members of a group, in other processes too, have something to hear */
  constructor(store: GroupStore, partitions: number, tell: (group: string) => void) {
    this.#store = store
    this.#partitions = partitions
    this.#tell = tell
  }

  /** Somebody told; without a name: perhaps somebody did. */
  heard(group?: string): void {
    const those = group === undefined ? [...this.#changed.values()] : [this.#changed.get(group) ?? []]
    for (const each of those) for (const changed of each) changed()
  }

  async join(
    group: string,
    { member, sessionMs, changed }: { member: string; sessionMs: number; changed?: () => void },
  ): Promise<Membership> {
    const forget = changed ? this.#listen(group, changed) : () => undefined
    const membership: Membership = {
      heartbeat: (holding) => this.#beat(group, member, sessionMs, holding),
      commit: (generation, offsets) => this.#commit(group, member, generation, offsets),
      leave: async () => {
        forget()
        await this.#change(group, (kept, nowMs) => leave(kept, member, nowMs))
      },
    }
    try {
      await membership.heartbeat(false)
    } catch (error) {
      forget()
      throw error
    }
    return membership
  }

  #listen(group: string, changed: () => void): () => void {
    const those = this.#changed.get(group) ?? new Set()
    this.#changed.set(group, those.add(changed))
    return () => {
      those.delete(changed)
      if (those.size === 0 && this.#changed.get(group) === those) this.#changed.delete(group)
    }
  }

  async #beat(group: string, member: string, sessionMs: number, holding: boolean): Promise<Assignment> {
    const kept = await this.#change(group, (state, nowMs) => beat(state, member, { nowMs, sessionMs, holding }))
    return assignmentOf(kept, member, this.#partitions)
  }

  async #commit(
    group: string,
    member: string,
    generation: number,
    offsets: ReadonlyMap<number, Offset>,
  ): Promise<void> {
    await this.#change(group, (kept) => {
      if (!mayCommit(kept, member, generation, offsets.keys()))
        throw new AshlarError('conflict', `generation ${generation} of group '${group}' is over for this member`)
      for (const [partition, offset] of offsets) {
        const before = kept.offsets.get(partition)
        if (before === undefined || before < offset) kept.offsets.set(partition, offset)
      }
    })
  }

  async committed(group: string): Promise<Map<number, Offset>> {
    return parse((await this.#store.read(group)).text).offsets
  }

  /** @throws `conflict` while the group has members */
  async seek(group: string, offsets: ReadonlyMap<number, Offset>): Promise<void> {
    await this.#change(group, (kept, nowMs) => {
      expire(kept, nowMs)
      if (kept.members.size > 0)
        throw new AshlarError('conflict', `group '${group}' has ${kept.members.size} members; stop them first`)
      for (const [partition, offset] of offsets) kept.offsets.set(partition, offset)
    })
  }

  /** Makes the group, so that it is among those there are. */
  async ensure(group: string): Promise<void> {
    await this.#change(group, () => undefined)
  }

  /** @param parked counts what a group has set aside */
  async stats(bounds: readonly Bounds[], parked: (group: string) => Promise<number>): Promise<GroupStats[]> {
    const names = (await this.#store.names()).sort()
    return Promise.all(
      names.map(async (group) => {
        const { text, nowMs } = await this.#store.read(group)
        const kept = parse(text)
        expire(kept, nowMs)
        const partitions = [...kept.offsets].map(([partition, committed]) => {
          return { partition, committed, lag: lagOf(bounds[partition]!, committed) }
        })
        return { group, members: kept.members.size, parked: await parked(group), partitions }
      }),
    )
  }

  /** Reads, works out and writes, again when another was faster. */
  async #change(group: string, work: (kept: Kept, nowMs: number) => void): Promise<Kept> {
    for (let attempt = 0; attempt < tries; attempt++) {
      if (attempt > 1) await sleep(Math.random() * Math.min(longestPauseMs, 2 ** attempt))
      const { text, version, nowMs } = await this.#store.read(group)
      const kept = parse(text)
      const before = `${kept.generation} ${kept.settling}`
      work(kept, nowMs)
      const changed = format(kept)
      if (changed !== text && !(await this.#store.write(group, changed, version))) continue
      if (before !== `${kept.generation} ${kept.settling}`) this.#tell(group)
      return kept
    }
    throw new AshlarError('unavailable', `group '${group}' changed under each of ${tries} attempts to change it`)
  }
}

function lagOf({ start, end }: Bounds, committed: Offset): number {
  return Math.max(0, Number(end) - Number(committed < start ? start : committed))
}

interface Written extends Omit<Group, 'members'> {
  members: Member[]
  /** Offsets that are bigints are written as text. */
  offsets: [partition: number, offset: number | string][]
}

function format({ members, offsets, ...group }: Kept): string {
  const sorted = [...offsets].sort(([a], [b]) => a - b)
  const written: Written = {
    ...group,
    members: [...members.values()],
    offsets: sorted.map(([partition, offset]) => [partition, typeof offset === 'bigint' ? `${offset}` : offset]),
  }
  return JSON.stringify(written)
}

function parse(text: string | undefined): Kept {
  if (text === undefined) return { ...emptyGroup(), offsets: new Map() }
  const { members, offsets, ...group } = JSON.parse(text) as Written
  return {
    ...group,
    members: new Map(members.map((member) => [member.id, { ...member, slot: member.slot ?? undefined }])),
    offsets: new Map(offsets.map(([partition, at]) => [partition, typeof at === 'string' ? BigInt(at) : at])),
  }
}
