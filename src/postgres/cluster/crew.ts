import type { Places, State } from './folder.ts'
import type { Installed } from './initdb.ts'
import type { Keeper } from './keeper.ts'
import type { Member, Role } from './member.ts'
import type { PostgresTether } from './tether.ts'

/** One Postgres of the cluster as it is now. */
export interface MemberState {
  /** `pg0`, `pg1`, …: fixed for life. */
  name: string
  role: Role
  /** `undefined` while it is down. */
  pid: number | undefined
  port: number
  /** A primary answers; a replica streams from it. */
  healthy: boolean
  /** The delay that `lag` has set; absent without one. */
  lagSeconds?: number
}

export interface LogLine {
  level: 'info' | 'warn' | 'error'
  member: string
  text: string
}

/** What `startCluster` has found out and made before the first member starts. */
export interface Setup {
  places: Places
  installed: Installed
  password: string
  state: State
  members: Member[]
  settings: Record<string, string>
  tether: PostgresTether
  unlock: () => Promise<void>
  onMember: (member: MemberState) => void
  log: (line: LogLine) => void
}

/** What those who work on the cluster's parts may know of it and ask of it. */
export interface Crew {
  readonly setup: Setup
  readonly primary: Member
  readonly replicas: Member[]
  keeper(member: Member): Keeper
  /** Writes the configuration that fits its role now. */
  configure(member: Member): Promise<void>
  /** Points every replica that runs at the primary. */
  followPrimary(): Promise<void>
  /** Remembers the new primary first: whoever starts next finishes a promotion that was cut short. */
  setPrimary(member: Member): Promise<void>
  setLag(member: Member, seconds: number): Promise<void>
  /** The member came up, went down or changed its role. */
  changed(member: Member): void
  log(level: LogLine['level'], member: string, text: string): void
}
