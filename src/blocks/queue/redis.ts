/*
 * URL: `redis[s]://user:password@host:port/database`, options as `redis/url.ts` reads them. Redis 7.0 or newer, or Valkey; Redis
 * Cluster by `cluster=yes`. Everything is supported but transactions, which go by the outbox. At rest: keys that begin with
 * `ashlar:{<service>.<name>}:queue:`, all of one slot; `redis/lease-text.ts` says what is in each, and besides: `windows` and
 * `firsts` for dedupe keys. The clock is the server's. A server that may drop keys is refused.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { ReceiveOptions } from '../../lease/lease.ts'
import type { Client } from '../../redis/connection.ts'
import { keysOf, LeaseSets, type Lane } from '../../redis/lease.ts'
import { openRedis, type Share } from '../../redis/open.ts'
import { checkServer } from '../../redis/server.ts'
import { Wake } from '../../redis/wake.ts'
import type { DeadLetter, Jobs, Leased, Outgoing, Pausing, QueueDriver, QueueStats, Settlement } from './driver.ts'
import { jobsOf, pausingOf } from './redis-jobs.ts'
import { sendScript } from './redis-text.ts'

class RedisQueue implements QueueDriver {
  readonly capabilities = {
    transactions: false,
    delay: true,
    priority: true,
    ordered: true,
    dedupe: true,
    deadLetters: true,
    history: true,
    jobs: true,
    pause: true,
    maxBytes: 1024 ** 2,
    maxDelayMs: 366 * 86_400_000,
  }
  readonly caution?: string
  readonly native: { client: Client; prefix: string }
  readonly jobs: Jobs
  readonly pausing: Pausing
  readonly #share: Share
  readonly #sets: LeaseSets
  readonly #lane: Lane
  readonly #keys: string[]

  constructor(share: Share, name: string, caution: string | undefined) {
    if (caution !== undefined) this.caution = caution
    const { connection } = share
    const prefix = `ashlar:{${name}}:queue`
    this.native = { client: connection.client, prefix }
    this.#share = share
    this.#sets = new LeaseSets(connection, 'queue')
    const wake = new Wake(connection.subscriber, prefix)
    this.#lane = { keys: keysOf(prefix, prefix), args: [], channel: prefix, wake }
    this.jobs = jobsOf(connection, this.#lane)
    this.pausing = pausingOf(connection, this.#lane)
    this.#keys = [...this.#lane.keys, `${prefix}:windows`, `${prefix}:firsts`]
  }

  async send(messages: readonly Outgoing[]): Promise<string[]> {
    if (messages.length === 0) return []
    const rows = messages.flatMap(({ body, headers, delayMs, priority, key = '', dedupe }) => {
      return [
        delayMs,
        9 - priority,
        key,
        dedupe?.key ?? '',
        dedupe?.windowMs ?? 0,
        `${JSON.stringify(headers)}\n${body}`,
      ]
    })
    const ids = await this.#share.connection.run<string[]>(sendScript, this.#keys, [this.#lane.channel, ...rows])
    this.#lane.wake.wake()
    return ids
  }

  async receive(options: ReceiveOptions): Promise<Leased[]> {
    const lent = await this.#sets.receive(this.#lane, options)
    return lent.map(({ text, ...rest }) => ({ ...rest, ...contentOf(text) }))
  }

  settle(settlements: readonly Settlement[]): Promise<boolean[]> {
    return this.#sets.settle(this.#lane, settlements)
  }

  extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    return this.#sets.extend(this.#lane, tokens, leaseMs)
  }

  async dead({ limit }: { limit: number }): Promise<DeadLetter[]> {
    const found = await this.#sets.dead(this.#lane, limit)
    return found.map(({ text, ...rest }) => ({ ...rest, ...contentOf(text) }))
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#sets.redrive(this.#lane, ids)
  }

  stats(): Promise<QueueStats> {
    return this.#sets.stats(this.#lane)
  }

  async close(): Promise<void> {
    await this.#sets.close()
    await this.#lane.wake.close()
    await this.#share.close()
  }
}

function contentOf(text: string): { headers: Record<string, string>; body: string } {
  const end = text.indexOf('\n')
  return { headers: JSON.parse(text.slice(0, end)) as Record<string, string>, body: text.slice(end + 1) }
}

export async function open(context: OpenContext): Promise<QueueDriver> {
  const share = await openRedis(context.url)
  try {
    return new RedisQueue(share, engineName(context), await checkServer(share.connection))
  } catch (error) {
    await share.close()
    throw error
  }
}

export { codeOf } from '../../redis/errors.ts'
