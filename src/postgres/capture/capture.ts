import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { settledWithin } from '../../deadline.ts'
import { AshlarError, describe } from '../../errors.ts'
import { migrate } from '../migrate.ts'
import { cutOff } from '../reach.ts'
import type { Sql } from '../sql.ts'
import type { Change } from './change.ts'
import { startFeed, type Feed } from './feed.ts'
import { lsnOf } from './lsn.ts'
import * as slot from './slot.ts'
import type { CaptureNames, Table } from './slot.ts'

/** Where a capture is: another process has it, the rows of before are being copied, it follows, or the log is gone. */
export type CaptureState = 'waiting' | 'copying' | 'following' | 'lost'

export interface CaptureSetup {
  sql: Sql
  names: CaptureNames
  tables: readonly string[]
  /** Changes per call, at most. */
  batch: number
  /** What to do when the server has dropped the log that was not read yet. */
  lost: 'stop' | 'copy'
  /** Whatever it throws, the same changes come again. */
  handle(changes: readonly Change[], signal: AbortSignal): Promise<void>
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
}

const takeTurnsMs = 1_000
const longestPauseMs = 10_000
const closeMs = 5_000

/** Copies the rows of some tables and then follows their changes, one process at a time, from where the last one was. */
export class Capture implements AsyncDisposable {
  readonly #setup: CaptureSetup
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #state: CaptureState = 'waiting'
  #client: pg.Client | undefined

  /** @throws `not_found` `invalid_argument` `conflict` for what it could never follow; `unsupported` without logical decoding */
  static async open(setup: CaptureSetup): Promise<Capture> {
    await migrate(setup.sql, 'capture', new URL('../sql/capture/', import.meta.url))
    await setup.sql.withClient((client) => check(client, setup))
    return new Capture(setup)
  }

  private constructor(setup: CaptureSetup) {
    this.#setup = setup
    this.#running = this.#run()
  }

  get state(): CaptureState {
    return this.#state
  }

  /** Waits for the handler that runs, at most 5 s; what it had not ended comes again. */
  async close(): Promise<void> {
    this.#stop.abort()
    if (!(await settledWithin(this.#running, closeMs)) && this.#client) cutOff(this.#client)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopped;) {
      try {
        const isMine = await this.#turn(() => (failures = 0))
        if (!isMine) await this.#pause(takeTurnsMs)
      } catch (error) {
        if (this.#stopped) return
        if (error instanceof Lost) return this.#giveUp(error)
        if (failures === 0) this.#warn(error, 'capture: cannot follow the database; trying again until it works')
        await this.#pause(Math.min(longestPauseMs, 200 * 2 ** failures++))
      }
    }
  }

  /** Answers false when another process has the capture. */
  async #turn(onFollowing: () => void): Promise<boolean> {
    this.#state = 'waiting'
    const client = (this.#client = await this.#setup.sql.replicate())
    try {
      if (!(await slot.lock(client, this.#setup.names))) return false
      await this.#copyOnce(client)
      onFollowing()
      await this.#follow(client)
      return true
    } finally {
      this.#client = undefined
      cutOff(client)
    }
  }

  async #copyOnce(client: pg.Client): Promise<void> {
    const { names, lost } = this.#setup
    const tables = await slot.findTables(client, this.#setup.tables)
    const known = await slot.readKnown(client, names)
    if (known?.copied && known.hasSlot) return
    if (known?.copied && lost === 'stop') throw new Lost()
    if (known?.copied) this.#warn(undefined, 'capture: the log was dropped before it was read; copying all rows again')
    await this.#copy(client, tables)
  }

  async #copy(client: pg.Client, tables: readonly Table[]): Promise<void> {
    const { names, batch } = this.#setup
    this.#state = 'copying'
    await slot.prepare(client, names, tables)
    const version = Number(lsnOf(await slot.beginCopy(client, names)))
    for (const table of tables)
      for await (const rows of slot.rowsIn(client, table, batch)) {
        const at = new Date()
        await this.#handle(rows.map((row) => copyOf(table, row, { version, at })))
        if (this.#stopped) throw new Error('stopped while copying')
      }
    await slot.endCopy(client, names)
  }

  async #follow(client: pg.Client): Promise<void> {
    const { slot: name, publication } = this.#setup.names
    const feed: Feed = startFeed(client, name, publication)
    this.#state = 'following'
    try {
      while (!this.#stopped) {
        const { changes, doneUntil } = await feed.take(this.#setup.batch, this.#stop.signal)
        if (changes.length > 0) await this.#handle(changes)
        if (!this.#stopped) feed.done(doneUntil)
      }
    } finally {
      feed.end()
    }
  }

  /** Tries until it works: a change is never passed over. */
  async #handle(changes: readonly Change[]): Promise<void> {
    for (let failures = 0; !this.#stopped; failures++) {
      try {
        return await this.#setup.handle(changes, this.#stop.signal)
      } catch (error) {
        if (failures === 0) this.#warn(error, 'capture: the handler failed; the same changes come again')
        await this.#pause(Math.min(longestPauseMs, 100 * 2 ** failures))
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms * (0.75 + Math.random() / 4), undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }

  #warn(error: unknown, message: string): void {
    this.#setup.log.warn({ capture: this.#setup.names.name, ...(error ? { error: describe(error) } : {}) }, message)
  }

  #giveUp(error: Lost): void {
    this.#state = 'lost'
    this.#setup.log.error({ capture: this.#setup.names.name }, error.message)
  }
}

/** The server keeps only so much log (`max_slot_wal_keep_size`), and a failover takes slots along only where it is set up to. */
class Lost extends Error {
  constructor() {
    super(
      "capture: the log was dropped before it was read; changes are missing: open it with lost: 'copy' to begin anew",
    )
  }
}

async function check(client: pg.ClientBase, { names, tables }: CaptureSetup): Promise<void> {
  const { rows } = await client.query<{ wal_level: string }>('show wal_level')
  if (rows[0]!.wal_level !== 'logical')
    throw new AshlarError(
      'unsupported',
      `capture: the server's wal_level is '${rows[0]!.wal_level}'; set it to 'logical' and restart the server`,
    )
  const found = await slot.findTables(client, tables)
  const known = await slot.readKnown(client, names)
  if (known) checkTables(names, known.tables, found)
}

function copyOf({ name, key }: Table, row: Record<string, unknown>, of: { version: number; at: Date }): Change {
  const identity = Object.fromEntries(key.map((column) => [column, row[column]]))
  return { table: name, operation: 'copy', row, key: identity, unchanged: [], ...of }
}

/** @throws `conflict` */
function checkTables({ name }: CaptureNames, before: readonly string[], tables: readonly Table[]): void {
  const now = tables.map((table) => table.name)
  if (before.toSorted().join() === now.toSorted().join()) return
  throw new AshlarError(
    'conflict',
    `capture '${name}' follows ${before.join(', ')}, not ${now.join(', ')}; give the new one another name, or drop the old one first`,
  )
}
