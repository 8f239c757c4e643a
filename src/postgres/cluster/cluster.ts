import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import { ask, database, user } from './ask.ts'
import { clone } from './backup.ts'
import { readControl } from './control.ts'
import { fail } from './fail.ts'
import { exists, removeFolder, writeState, type Places, type State } from './folder.ts'
import { createData, type Installed } from './initdb.ts'
import { Keeper } from './keeper.ts'
import type { Member, Role } from './member.ts'
import { choosePort } from './ports.ts'
import { watchReplica } from './replica.ts'
import { slotOf } from './settings.ts'
import { switchOver } from './switchover.ts'
import type { Tether } from './tether.ts'
import { Queue, until } from './wait.ts'
import { Watch, type SlotState } from './watch.ts'

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
  tether: Tether
  unlock: () => Promise<void>
  onMember: (member: MemberState) => void
  log: (line: LogLine) => void
}

const startMs = 120_000
const readyMs = 30_000

/** A running cluster; see the `Cluster` interface for what its users may do. */
export class EmbeddedCluster {
  readonly setup: Setup
  readonly #keepers = new Map<Member, Keeper>()
  readonly #watch: Watch
  readonly #queue = new Queue()
  readonly #told = new Map<Member, string>()
  #stopping: Promise<void> | undefined

  constructor(setup: Setup) {
    this.setup = setup
    this.#watch = new Watch(
      () => this.primary,
      (slots) => this.#report(slots),
    )
    for (const member of setup.members) {
      member.onPid = (pid) => setup.tether.hold(member.data, pid)
      this.#keepers.set(member, new Keeper(member, this))
    }
  }

  get primary(): Member {
    return this.setup.members.find(({ role }) => role === 'primary')!
  }

  get replicas(): Member[] {
    return this.setup.members.filter(({ role }) => role === 'replica')
  }

  get url(): string {
    const hosts = this.setup.members.map(({ port }) => `127.0.0.1:${port}`).join(',')
    return `postgres://${user}:${this.setup.password}@${hosts}/${database}`
  }

  get members(): readonly MemberState[] {
    return this.setup.members.map(stateOf)
  }

  /** The primary first; the replicas come up in the background. */
  async begin(): Promise<void> {
    await this.keeper(this.primary).begin()
    for (const replica of this.replicas) this.keeper(replica).release()
  }

  async ready(): Promise<void> {
    const missing = () => this.setup.members.filter(({ healthy }) => !healthy).map(({ name }) => name)
    await until(`all members to be healthy`, readyMs, () => missing().length === 0 || this.#refuseWhenStopped()).catch(
      (error: unknown) => {
        throw fail(
          'timeout',
          `after ${readyMs} ms ${missing().join(', ')} is not healthy; its log is beside its data`,
          error,
        )
      },
    )
  }

  lag(name: string, seconds: number): Promise<void> {
    return this.#do(async () => {
      const member = this.#member(name)
      toCount('lag seconds', seconds, { max: 3600 })
      if (member.role === 'primary') throw invalid(`lag: '${name}' is the primary; only a replica can lag behind it`)
      await this.setLag(member, seconds)
    })
  }

  promote(name: string): Promise<void> {
    return this.#do(() => switchOver(this, this.#member(name)))
  }

  restart(name: string): Promise<void> {
    return this.#do(async () => {
      const member = this.#member(name)
      await this.keeper(member).hold()
      this.keeper(member).release()
      await until(`${name} to be up again`, startMs, () => member.isUp)
    })
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#queue.run(() => this.#stop())
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#watch.stop()
    await Promise.all(this.replicas.map((replica) => this.keeper(replica).hold()))
    await this.keeper(this.primary).hold()
    this.setup.tether.cut()
    await this.setup.unlock()
  }

  keeper(member: Member): Keeper {
    return this.#keepers.get(member)!
  }

  async setLag(member: Member, seconds: number): Promise<void> {
    member.lagSeconds = seconds
    await this.configure(member)
    member.reload()
    this.changed(member)
  }

  /** Remembers the new primary first: whoever starts next finishes a promotion that was cut short. */
  async setPrimary(member: Member): Promise<void> {
    for (const each of this.setup.members) each.role = each === member ? 'primary' : 'replica'
    this.setup.state.primary = member.name
    await writeState(this.setup.places.folder, this.setup.state)
  }

  configure(member: Member): Promise<void> {
    return member.configure(this.setup.settings, member.role === 'replica' ? this.primary.port : undefined)
  }

  async bringUp(member: Member, signal: AbortSignal): Promise<void> {
    const unfinished = member.role === 'primary' && (await exists(path.join(member.data, 'standby.signal')))
    await (member.role === 'primary' ? this.#prepareFirst(member) : this.#prepareReplica(member, signal))
    for (let tries = 0; ; tries++) {
      await this.configure(member)
      try {
        await member.start(startMs)
        break
      } catch (error) {
        if (tries === 5 || !/Address already in use/.test(String(error))) throw error
        await this.#movePort(member)
      }
    }
    if (unfinished) await ask(member.address, 'select pg_promote(true, 60)', [], 'postgres')
    if (member.role === 'primary') await member.createDatabase()
  }

  async #prepareFirst(member: Member): Promise<void> {
    if (await exists(path.join(member.data, 'PG_VERSION'))) return
    this.log('info', member.name, `making a new database in ${member.data}`)
    await createData(this.setup.installed, member.data, this.setup.password, this.sync)
  }

  /** A replica needs a copy when it has none, and when it was a primary that did not stop in order: it may know more. */
  async #prepareReplica(member: Member, signal: AbortSignal): Promise<void> {
    const whole = await exists(path.join(member.data, 'PG_VERSION'))
    const wasPrimary = whole && !(await exists(path.join(member.data, 'standby.signal')))
    if (!whole || member.mustClone || (wasPrimary && !(await readControl(member.data)).cleanPrimary)) {
      this.log('info', member.name, `copying ${this.primary.name}`)
      await clone(this.primary, member, { owner: this.setup.installed.owner, sync: this.sync, signal })
      member.mustClone = false
    } else if (wasPrimary) await dropSlots(member.data)
  }

  async #movePort(member: Member): Promise<void> {
    const { places, state, members } = this.setup
    this.log('warn', member.name, `port ${member.port} is taken by someone else`)
    member.port = await choosePort(
      places.folder,
      member.port + 1,
      members.map(({ port }) => port),
    )
    state.ports[member.name] = member.port
    await writeState(places.folder, state)
  }

  get sync(): boolean {
    return this.setup.settings['fsync'] !== 'off'
  }

  changed(member: Member): void {
    if (!member.isUp) member.healthy = false
    if (member.isUp && member.role === 'primary') member.healthy = true
    this.tell(member)
    this.#watch.poke()
  }

  /** Tells `onMember` what it does not know yet. */
  tell(member: Member): void {
    const state = stateOf(member)
    const text = JSON.stringify(state)
    if (this.#told.get(member) === text) return
    this.#told.set(member, text)
    this.setup.onMember(state)
  }

  log(level: LogLine['level'], member: string, text: string): void {
    this.setup.log({ level, member, text })
  }

  async #report(slots: SlotState[] | undefined): Promise<boolean> {
    const { primary } = this
    if (primary.isUp) primary.healthy = slots !== undefined
    this.tell(primary)
    for (const replica of this.replicas) {
      await watchReplica(
        this,
        replica,
        slots?.find(({ slot }) => slot === slotOf(replica.name)),
        slots !== undefined,
      )
      this.tell(replica)
    }
    for (const member of this.setup.members) member.log.bound()
    return this.setup.members.every(({ healthy }) => healthy)
  }

  #member(name: string): Member {
    const member = this.setup.members.find((each) => each.name === name)
    const names = this.setup.members.map((each) => each.name).join(', ')
    if (!member) throw fail('not_found', `the cluster has no member '${name}'; its members are ${names}`)
    return member
  }

  #do(work: () => Promise<void>): Promise<void> {
    return this.#queue.run(async () => {
      this.#refuseWhenStopped()
      await work()
    })
  }

  #refuseWhenStopped(): undefined {
    if (this.#stopping) throw fail('closed', 'this cluster has been stopped')
    return undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function stateOf({ name, role, pid, port, healthy, lagSeconds }: Member): MemberState {
  return { name, role, pid, port, healthy, ...(lagSeconds > 0 && { lagSeconds }) }
}

/** The slots of a former primary would keep its old log for ever; it is stopped, so their files may go. */
async function dropSlots(data: string): Promise<void> {
  const folder = path.join(data, 'pg_replslot')
  for (const slot of await readdir(folder)) await removeFolder(path.join(folder, slot))
}
