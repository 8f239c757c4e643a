import { createHash } from 'node:crypto'
import { Hints } from '../hints.ts'
import type { Sql } from './sql.ts'

/** The channel of something named by users: names may be long, differ only in case, or hold anything. */
export function channelOf(kind: string, name: string): string {
  return `ashlar_${createHash('sha256').update(`${kind}:${name}`).digest('hex').slice(0, 24)}`
}

/**
 * Hints that there is work, within this process at once and between processes by NOTIFY. They may get lost, so whoever
 * waits also looks by himself now and then. Notifications go out after the commit, one at a time, and those that come
 * meanwhile become one: a NOTIFY inside every transaction would make all commits of the database take turns.
 */
export class Wake extends Hints {
  readonly #sql: Sql
  readonly #channel: string
  #listening: Promise<(() => Promise<void>) | undefined> | undefined
  #notifying: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(sql: Sql, channel: string) {
    super()
    this.#sql = sql
    this.#channel = channel
  }

  /** Listens from now on. Call it while the database answers. Answers whether it had not listened before. */
  async listen(): Promise<boolean> {
    if (this.#closed || this.#listening) return false
    this.#listening = this.#sql
      .listen(
        this.#channel,
        () => this.wake(),
        () => this.wake(),
      )
      .catch(() => (this.#listening = undefined))
    return (await this.#listening) !== undefined
  }

  /** Wakes every process. Returns at once; a failure is no matter, since a hint is all it is. */
  notify(): void {
    this.wake()
    this.#again = true
    if (!this.#closed) this.#notifying ??= this.#notifyAll().finally(() => (this.#notifying = undefined))
  }

  async #notifyAll(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await this.#sql.query('select pg_notify($1, $2)', [this.#channel, '']).catch(() => undefined)
    }
  }

  /** Sends what is to be sent still, and listens no more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#notifying
    const leave = await this.#listening
    await leave?.().catch(() => undefined)
    this.wake()
  }
}
