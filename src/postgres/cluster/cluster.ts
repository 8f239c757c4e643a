import { describe, invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import { database, user } from './ask.ts'
import { bringUp } from './bringup.ts'
import type { Crew, LogLine, MemberState, Setup } from './crew.ts'
import { fail } from './fail.ts'
import { writeState } from './folder.ts'
import { Keeper, type Charge } from './keeper.ts'
import type { Member } from './member.ts'
import { dropStrangers, watchReplica } from './replica.ts'
import { slotOf } from './settings.ts'
import { switchOver } from './switchover.ts'
import { Queue, until, within } from './wait.ts'
import { Watch, type SlotState } from './watch.ts'

const restartMs = 120_000
const readyMs = 30_000

/** A running cluster; see the `Cluster` interface for what its users may do. */
export class EmbeddedCluster implements Crew, Charge {
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
    if (await within(readyMs, () => this.#stopping !== undefined || missing().length === 0)) this.#refuseWhenStopped()
    else
      throw fail(
        'timeout',
        `after ${readyMs} ms not healthy: ${missing().join(', ')}; see the logs in ${this.setup.places.folder}`,
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
      await until(`${name} to be up again`, restartMs, () => member.isUp)
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

  async setPrimary(member: Member): Promise<void> {
    for (const each of this.setup.members) each.role = each === member ? 'primary' : 'replica'
    this.setup.state.primary = member.name
    await writeState(this.setup.places.folder, this.setup.state)
  }

  configure(member: Member): Promise<void> {
    return member.configure(this.setup.settings, member.role === 'replica' ? this.primary.port : undefined)
  }

  bringUp(member: Member, signal: AbortSignal): Promise<void> {
    return bringUp(this, member, signal)
  }

  /** Points every replica that runs at the primary. */
  async followPrimary(): Promise<void> {
    for (const replica of this.replicas) {
      if (replica.pid === undefined) continue // it is configured when it starts
      await this.configure(replica)
      replica.reload()
    }
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
    try {
      this.setup.onMember(state)
    } catch (error) {
      this.log('error', member.name, `onMember failed: ${describe(error)}`)
    }
  }

  log(level: LogLine['level'], member: string, text: string): void {
    this.setup.log({ level, member, text })
  }

  async #report(slots: SlotState[] | undefined): Promise<boolean> {
    const { primary } = this
    if (primary.isUp) primary.healthy = slots !== undefined
    this.tell(primary)
    if (slots) await dropStrangers(this, slots)
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

  #refuseWhenStopped(): void {
    if (this.#stopping) throw fail('closed', 'this cluster has been stopped')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function stateOf({ name, role, pid, port, healthy, lagSeconds }: Member): MemberState {
  return { name, role, pid, port, healthy, ...(lagSeconds > 0 && { lagSeconds }) }
}
