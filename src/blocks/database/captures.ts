import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import type { Health, Log, OpenContext } from '../../block.ts'
import { AshlarError } from '../../errors.ts'
import { Capture } from '../../postgres/capture/capture.ts'
import { dropAll, lagText, lock, namesOf, type CaptureNames } from '../../postgres/capture/slot.ts'
import type { Sql } from '../../postgres/sql.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import { checkCaptureName, readCaptureOptions } from './capture.ts'
import type { CaptureOptions, ChangeHandler, TableCapture } from './capture.ts'

const noticeMs = 3_000

/** The captures that this process has opened on its database. */
export class Captures {
  readonly #of: { block: string; service: string; sql: Sql; log: Log }
  readonly #open = new Map<string, Capture>()
  #forgetGauge: (() => void) | undefined

  constructor({ name, service, log }: Pick<OpenContext, 'name' | 'service' | 'log'>, sql: Sql) {
    this.#of = { block: name, service, sql, log }
  }

  async open(name: string, options: CaptureOptions, handler: ChangeHandler): Promise<TableCapture> {
    const read = readCaptureOptions(name, options)
    const { block, service, sql, log } = this.#of
    if (this.#open.has(name))
      throw new AshlarError('already_exists', `${block}: this process follows the capture '${name}' already`, { block })
    const capture = await Capture.open({
      ...read,
      sql,
      log,
      names: namesOf(service, name),
      handle: (changes, signal) =>
        observed({ kind: 'database', block, driver: 'postgres', operation: 'capture' }, async () => {
          await handler(changes, { signal })
          count('ashlar_database_captured_total', 'Changes handled', { block, capture: name }, changes.length)
        }),
    })
    this.#open.set(name, capture)
    this.#forgetGauge ??= this.#addGauge()
    return this.#handle(name, capture)
  }

  #handle(name: string, capture: Capture): TableCapture {
    const close = async () => {
      await capture.close()
      if (this.#open.get(name) === capture) this.#open.delete(name)
    }
    return {
      get state() {
        return capture.state
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  }

  /** @throws `conflict` while a process follows it */
  async drop(name: string): Promise<void> {
    const { block, service, sql } = this.#of
    const names = namesOf(service, checkCaptureName(name))
    await this.#open.get(name)?.close()
    await sql.withClient(async (client) => {
      if (!(await lockSoon(client, names)))
        throw new AshlarError('conflict', `${block}: another process follows the capture '${name}'; stop it first`, {
          block,
        })
      try {
        await dropAll(client, names)
      } finally {
        await client.query('select pg_advisory_unlock_all()')
      }
    })
  }

  /** Bytes of log that the server keeps for the slowest capture of this database; 0 when there is none. */
  async lagBytes(): Promise<number> {
    return (await this.#of.sql.query<{ bytes: number }>(lagText)).rows[0]!.bytes
  }

  health(): Health {
    const lost = [...this.#open].filter(([, { state }]) => state === 'lost').map(([name]) => name)
    if (lost.length === 0) return { ok: true }
    return { ok: false, detail: `capture ${lost.join(', ')}: the log was dropped before it was read` }
  }

  async close(): Promise<void> {
    this.#forgetGauge?.()
    await Promise.all([...this.#open.values()].map((capture) => capture.close()))
  }

  #addGauge(): () => void {
    const help = 'Bytes of log that the server keeps for the slowest capture'
    return gauge('ashlar_database_capture_lag_bytes', help, { block: this.#of.block }, () => this.lagBytes())
  }
}

/** A process that has just stopped holds it until the server has noticed. */
async function lockSoon(client: ClientBase, names: CaptureNames): Promise<boolean> {
  const endMs = performance.now() + noticeMs
  while (!(await lock(client, names))) {
    if (performance.now() > endMs) return false
    await sleep(100)
  }
  return true
}
