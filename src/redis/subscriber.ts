import type * as ioredis from 'ioredis'

type Client = ioredis.Redis | ioredis.Cluster

const pingMs = 10_000

interface Listening {
  onMessage(text: string): void
  /** The connection was lost for a while: messages may have been missed. */
  onGap(): void
}

/**
 * The one connection of a process that hears what is published. It connects with the first who listens, and again by itself;
 * now and then it asks whether the other end is there. What it tells are hints: some are lost when a connection is.
 */
export class Subscriber {
  readonly #make: () => Client
  readonly #listening = new Map<string, Set<Listening>>()
  #client: Client | undefined
  #ping: NodeJS.Timeout | undefined

  constructor(make: () => Client) {
    this.#make = make
  }

  /** Listens from when this resolves; it always does, since hints are all that is lost. Answers how to stop. */
  async listen(channel: string, listening: Listening): Promise<() => void> {
    let those = this.#listening.get(channel)
    if (!those) this.#listening.set(channel, (those = new Set()))
    those.add(listening)
    const client = (this.#client ??= this.#connect())
    await this.#subscribe(client, [channel])
    return () => this.#leave(channel, listening)
  }

  #connect(): Client {
    const client = this.#make()
    client.on('message', (channel: string, text: string) => {
      for (const each of this.#listening.get(channel) ?? []) each.onMessage(text)
    })
    client.on('ready', () => void this.#renew(client))
    client.connect().catch(() => undefined)
    this.#ping = setInterval(() => client.status === 'ready' && client.ping().catch(() => undefined), pingMs)
    return client
  }

  async #renew(client: Client): Promise<void> {
    await this.#subscribe(client, [...this.#listening.keys()])
    for (const those of this.#listening.values()) for (const each of those) each.onGap()
  }

  async #subscribe(client: Client, channels: string[]): Promise<void> {
    if (client.status === 'ready' && channels.length > 0) await client.subscribe(...channels).catch(() => undefined)
  }

  #leave(channel: string, listening: Listening): void {
    const those = this.#listening.get(channel)
    if (!those?.delete(listening) || those.size > 0) return
    this.#listening.delete(channel)
    if (this.#client?.status === 'ready') this.#client.unsubscribe(channel).catch(() => undefined)
  }

  close(): void {
    clearInterval(this.#ping)
    this.#client?.disconnect()
    this.#client = undefined
  }
}
