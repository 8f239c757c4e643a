import type pg from 'pg'
import { within } from './reach.ts'

interface Subscriber {
  onNotify: (payload: string) => void
  onGap: (() => void) | undefined
}

const retryMs = 500
const maxRetryMs = 10_000
const aliveEveryMs = 15_000
const answerLimitMs = 5_000

/**
 * LISTEN on one connection of its own for the whole process, made on first use and again whenever it is lost. A
 * notification is a hint, never the only trigger: `onGap` says that some may have been missed. Behind a pooler in
 * transaction mode none arrive at all, and everything that waits for one goes by its slow poll.
 */
export class Listener {
  readonly #connect: () => Promise<pg.Client>
  readonly #channels = new Map<string, Set<Subscriber>>()
  #client: pg.Client | undefined
  #opening: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #closed = false

  constructor(connect: () => Promise<pg.Client>) {
    this.#connect = connect
  }

  /** Never fails: when the database is away, it listens (and reports a gap) once it is back. */
  async listen(channel: string, onNotify: Subscriber['onNotify'], onGap?: () => void): Promise<() => Promise<void>> {
    const subscriber = { onNotify, onGap }
    const subscribers = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, subscribers.add(subscriber))
    if (this.#client) await this.#tell(this.#client, `listen ${quote(channel)}`)
    else await this.#open()
    return () => this.#leave(channel, subscriber)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#channels.clear()
    await this.#opening
    await this.#drop()
  }

  async #leave(channel: string, subscriber: Subscriber): Promise<void> {
    const subscribers = this.#channels.get(channel)
    if (!subscribers?.delete(subscriber) || subscribers.size > 0) return
    this.#channels.delete(channel)
    if (this.#channels.size === 0) await this.#drop()
    else if (this.#client) await this.#tell(this.#client, `unlisten ${quote(channel)}`)
  }

  async #drop(): Promise<void> {
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  /** A statement that fails, or gets no answer, means that the connection is of no use any more. */
  async #tell(client: pg.Client, text: string): Promise<void> {
    await within(client.query(text), answerLimitMs, 'no answer').catch(() => this.#lost(client))
  }

  #open(): Promise<void> {
    this.#opening ??= this.#connectAndListen()
      .catch(() => this.#retry())
      .finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #connectAndListen(): Promise<void> {
    const client = await this.#connect()
    client.on('notification', ({ channel, payload = '' }) => this.#hear(channel, payload))
    client.once('end', () => this.#lost(client))
    this.#client = client
    for (const channel of this.#channels.keys()) await this.#tell(client, `listen ${quote(channel)}`)
    if (this.#client !== client) return
    if (this.#failures > 0) this.#tellGap()
    this.#failures = 0
    if (this.#closed || this.#channels.size === 0) await this.#drop()
    else this.#checkLater(client)
  }

  #hear(channel: string, payload: string): void {
    for (const { onNotify } of this.#channels.get(channel) ?? []) quietly(() => onNotify(payload))
  }

  #tellGap(): void {
    for (const subscribers of this.#channels.values()) for (const { onGap } of subscribers) quietly(onGap)
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = undefined
    clearTimeout(this.#timer)
    void client.end().catch(() => undefined)
    this.#tellGap()
    this.#retry()
  }

  #retry(): void {
    if (this.#closed || this.#channels.size === 0) return
    const waitMs = Math.min(retryMs * 2 ** this.#failures++, maxRetryMs)
    this.#later(waitMs, () => void this.#open())
  }

  /** The network may swallow a connection without a word, and a primary may have become a replica. */
  #checkLater(client: pg.Client): void {
    this.#later(aliveEveryMs, () => {
      void this.#tell(client, 'select 1 / (not pg_is_in_recovery())::int').then(() => {
        if (this.#client === client) this.#checkLater(client)
      })
    })
  }

  #later(ms: number, work: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(work, ms)
    this.#timer.unref()
  }
}

/** A subscriber's mistake is not the connection's. */
function quietly(work: (() => void) | undefined): void {
  try {
    work?.()
  } catch {
    // A hint that nobody could use; the slow poll comes anyway.
  }
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
