import net from 'node:net'
import { Client } from 'pg'
import { clientOptions } from './ask.ts'
import type { Member } from './member.ts'

const idleMs = 3_000
const busyMs = 250
const answerMs = 3_000

/** What the primary knows about the slot of a replica. */
export interface SlotState {
  slot: string
  /** The log that the replica still needs is gone. */
  lost: boolean
  /** Of pg_stat_replication; `undefined` while nobody reads the slot. */
  state: string | null
}

const query = `
  select s.slot_name as slot, s.wal_status = 'lost' or s.invalidation_reason is not null as lost, r.state
  from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid
  where s.slot_type = 'physical'`

/** Asks the primary about its replicas again and again: seldom when all is well, often when not. */
export class Watch {
  readonly #primary: () => Member | undefined
  readonly #report: (slots: SlotState[] | undefined) => Promise<boolean>
  #connection: { client: Client; socket: net.Socket; port: number; pid: number | undefined } | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #ticking = false

  /** `report` gets `undefined` when the primary does not answer, and tells whether all is well. */
  constructor(primary: () => Member | undefined, report: (slots: SlotState[] | undefined) => Promise<boolean>) {
    this.#primary = primary
    this.#report = report
  }

  /** Something happened: look soon. */
  poke(): void {
    this.#plan(0)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#drop()
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#tick(), ms)
    this.#timer.unref()
  }

  async #tick(): Promise<void> {
    if (this.#ticking) return this.#plan(20)
    this.#ticking = true
    const slots = await this.#look().catch(() => this.#drop())
    const well = await this.#report(slots ?? undefined).catch(() => false)
    this.#ticking = false
    this.#plan(well ? idleMs : busyMs)
  }

  async #look(): Promise<SlotState[] | undefined> {
    const primary = this.#primary()
    if (!primary?.isUp) return this.#drop()
    const { port, pid } = primary
    if (this.#connection?.port !== port || this.#connection.pid !== pid) {
      this.#drop()
      const socket = new net.Socket()
      const client = new Client({ ...clientOptions(primary.address), query_timeout: answerMs, stream: () => socket })
      client.on('error', () => undefined)
      this.#connection = { client, socket, port, pid }
      await client.connect()
      socket.unref() // watching keeps no process alive
    }
    return (await this.#connection.client.query<SlotState>(query)).rows
  }

  #drop(): undefined {
    this.#connection?.socket.destroy() // not `end`: a frozen server would never answer it
    this.#connection = undefined
  }
}
