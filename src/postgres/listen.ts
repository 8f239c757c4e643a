import type pg from 'pg'

interface Subscriber {
  onNotify: (payload: string) => void
  onGap: (() => void) | undefined
}

const retryMs = 500

/**
 * LISTEN on one connection for the whole process, taken on first use. After a lost connection it listens again by
 * itself and tells each subscriber that it may have missed some: a notification is a hint, never the only trigger.
 */
export class Listener {
  readonly #pool: () => Promise<pg.Pool>
  readonly #channels = new Map<string, Set<Subscriber>>()
  #client: pg.PoolClient | undefined
  #connecting: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(pool: () => Promise<pg.Pool>) {
    this.#pool = pool
  }

  async listen(channel: string, onNotify: Subscriber['onNotify'], onGap?: () => void): Promise<() => Promise<void>> {
    const subscriber = { onNotify, onGap }
    const known = this.#channels.get(channel)
    if (known) known.add(subscriber)
    else this.#channels.set(channel, new Set([subscriber]))
    await this.#connect()
    if (!known) await this.#client?.query(`listen ${quote(channel)}`)
    return () => this.#leave(channel, subscriber)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#channels.clear()
    await this.#connecting?.catch(() => undefined)
    this.#client?.release(true)
    this.#client = undefined
  }

  async #leave(channel: string, subscriber: Subscriber): Promise<void> {
    const subscribers = this.#channels.get(channel)
    subscribers?.delete(subscriber)
    if (subscribers?.size !== 0) return
    this.#channels.delete(channel)
    await this.#client?.query(`unlisten ${quote(channel)}`).catch(() => undefined)
  }

  #connect(): Promise<void> {
    if (this.#client) return Promise.resolve()
    this.#connecting ??= this.#open().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #open(): Promise<void> {
    const pool = await this.#pool()
    const client = await pool.connect()
    client.on('notification', ({ channel, payload = '' }) => {
      for (const { onNotify } of this.#channels.get(channel) ?? []) onNotify(payload)
    })
    client.once('error', () => this.#lost(client))
    client.once('end', () => this.#lost(client))
    for (const channel of this.#channels.keys()) await client.query(`listen ${quote(channel)}`)
    this.#client = client
  }

  #lost(client: pg.PoolClient): void {
    if (this.#client !== client || this.#closed) return
    this.#client = undefined
    client.release(true)
    this.#tellGap()
    this.#reconnectSoon()
  }

  #reconnectSoon(): void {
    this.#retry = setTimeout(() => {
      if (this.#closed || this.#channels.size === 0) return
      this.#connect().then(
        () => this.#tellGap(),
        () => this.#reconnectSoon(),
      )
    }, retryMs)
    this.#retry.unref()
  }

  #tellGap(): void {
    for (const subscribers of this.#channels.values()) for (const { onGap } of subscribers) onGap?.()
  }
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
