import type { Queryable } from '../../../postgres/sql.ts'
import type { Assignment, Membership } from '../driver.ts'
import { assignmentOf, beat, expire, leave, type Group, type Member } from '../group.ts'
import { beatText, commitText, ensureGroupText, groupText, saveGroupText, seekText } from './text.ts'

const tries = 20

/** The group has another generation, or members where there must be none. */
export class Refused extends Error {}

interface GroupRow extends Omit<Group, 'members'> {
  version: number
  nowMs: number
  members: (Omit<Member, 'slot'> & { slot: number | null })[]
}

/** A group in the tables. It is read, worked out by `group.ts`, and written if nobody was faster. */
export class GroupTable {
  readonly #sql: Queryable
  readonly #stream: number
  readonly #name: string
  readonly #tell: () => void

  /** @param tell called when other members have something to hear */
  constructor(sql: Queryable, stream: number, name: string, tell: () => void) {
    this.#sql = sql
    this.#stream = stream
    this.#name = name
    this.#tell = tell
  }

  async ensure(): Promise<void> {
    await this.#sql.query(ensureGroupText, [this.#stream, this.#name])
  }

  async #read(): Promise<Group & { version: number; nowMs: number }> {
    const { rows } = await this.#sql.query<GroupRow>(groupText, [this.#stream, this.#name])
    const { members, ...row } = rows[0]!
    const kept = members.map(({ slot, ...member }): Member => ({ ...member, slot: slot ?? undefined }))
    return { ...row, members: new Map(kept.map((member) => [member.id, member])) }
  }

  /** @param self whose session is prolonged */
  async change(self: string, sessionMs: number, work: (group: Group, nowMs: number) => void): Promise<Group> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const group = await this.#read()
      const before = `${group.generation} ${group.settling}`
      work(group, group.nowMs)
      if (!(await this.#save(group, self, sessionMs))) continue
      if (before !== `${group.generation} ${group.settling}`) this.#tell()
      return group
    }
    throw new Error(`group '${this.#name}' changed under each of ${tries} attempts to change it`)
  }

  async #save(group: Group & { version: number }, self: string, sessionMs: number): Promise<boolean> {
    const members = [...group.members.values()]
    const { rows } = await this.#sql.query<{ saved: number }>(saveGroupText, [
      this.#stream,
      this.#name,
      group.version,
      group.generation,
      group.slots,
      group.settling,
      group.joins,
      self,
      sessionMs,
      members.map(({ id }) => id),
      members.map(({ joined }) => joined),
      members.map(({ slot }) => slot ?? null),
      members.map(({ ready }) => ready),
    ])
    return rows[0]!.saved > 0
  }

  async beat(member: string, generation: number, sessionMs: number): Promise<boolean> {
    const { rowCount } = await this.#sql.query(beatText, [this.#stream, this.#name, member, generation, sessionMs])
    return rowCount > 0
  }

  async commit(member: string, generation: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { rows } = await this.#sql.query<{ held: number }>(commitText, [
      this.#stream,
      this.#name,
      member,
      generation,
      [...offsets.keys()],
      [...offsets.values()],
    ])
    if (rows[0]!.held === 0)
      throw new Refused(`generation ${generation} of group '${this.#name}' is over for this member`)
  }

  async seek(offsets: ReadonlyMap<number, number>): Promise<void> {
    await this.ensure()
    const group = await this.#read()
    expire(group, group.nowMs)
    const to = [[...offsets.keys()], [...offsets.values()]]
    const { rows } = group.members.size
      ? { rows: [] }
      : await this.#sql.query<{ held: number }>(seekText, [this.#stream, this.#name, group.version, ...to])
    if (!rows[0]?.held) throw new Refused(`group '${this.#name}' has members (${group.members.size}); stop them first`)
  }
}

export class PostgresMembership implements Membership {
  readonly #table: GroupTable
  readonly #member: string
  readonly #sessionMs: number
  readonly #partitions: number
  readonly #onLeave: () => void
  #last: Assignment | undefined

  constructor(table: GroupTable, of: { member: string; sessionMs: number; partitions: number; onLeave: () => void }) {
    this.#table = table
    this.#member = of.member
    this.#sessionMs = of.sessionMs
    this.#partitions = of.partitions
    this.#onLeave = of.onLeave
  }

  async heartbeat(holding: boolean): Promise<Assignment> {
    const last = this.#last
    if (last && !last.settling && (await this.#table.beat(this.#member, last.generation, this.#sessionMs))) return last
    const sessionMs = this.#sessionMs
    const group = await this.#table.change(this.#member, sessionMs, (state, nowMs) =>
      beat(state, this.#member, { nowMs, sessionMs, holding }),
    )
    this.#last = assignmentOf(group, this.#member, this.#partitions)
    return this.#last
  }

  commit(generation: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    return this.#table.commit(this.#member, generation, offsets)
  }

  async leave(): Promise<void> {
    this.#onLeave()
    await this.#table.change('', 0, (state, nowMs) => leave(state, this.#member, nowMs))
  }
}
