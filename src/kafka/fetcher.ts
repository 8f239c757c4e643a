import { setTimeout as sleep } from 'node:timers/promises'
import { pageOf, type KafkaEntry } from './batches.ts'
import { isNetwork, isOne } from './errors.ts'
import { fetchFrom, type Asked, type Fetched } from './fetch.ts'
import type { Link } from './link.ts'
import { pollMs, Tail } from './tail.ts'
import type { Topic } from './topic.ts'

/**
 * Reads records by fetches of its own: one partition at a time, nothing kept between two reads, so nothing is delivered that
 * was buffered for someone else's partition.
 */
export class Fetcher {
  readonly #topic: Topic
  readonly #closing: AbortSignal
  readonly #links = new Map<number, Link>()
  readonly #tails = new Map<number, Tail>()

  constructor(topic: Topic, closing: AbortSignal) {
    this.#topic = topic
    this.#closing = closing
  }

  /**
   * Committed records from an offset on, or from the start when that is later: what about `maxBytes` of batches hold. Waits up
   * to `waitMs` for the first; none when that has passed or the signal aborts.
   */
  async read(asked: Asked, { waitMs, signal }: { waitMs: number; signal: AbortSignal }): Promise<KafkaEntry[]> {
    const either = AbortSignal.any([signal, this.#closing])
    const { promise: aborted, resolve: abort } = Promise.withResolvers<KafkaEntry[]>()
    const stop = () => abort([])
    either.addEventListener('abort', stop, { once: true })
    if (either.aborted) return []
    const work = this.#find({ ...asked }, performance.now() + waitMs, either)
    try {
      return await Promise.race([work, aborted])
    } finally {
      either.removeEventListener('abort', stop)
      work.catch(() => undefined)
    }
  }

  async #find(at: Asked, endMs: number, signal: AbortSignal): Promise<KafkaEntry[]> {
    let fetched = await this.#now(at)
    for (;;) {
      const page = fetched && pageOf(fetched, at.offset)
      if (page && page.records.length > 0) return page.records
      const leftMs = endMs - performance.now()
      if (page && page.next > at.offset) {
        at.offset = page.next // nothing but what was aborted
        fetched = await this.#now(at)
      } else if (leftMs <= 0 || signal.aborted) return []
      else if (fetched) fetched = await this.#later(at, leftMs, signal)
      else {
        await sleep(Math.min(leftMs, pollMs), undefined, { signal }).catch(() => undefined)
        fetched = await this.#now(at)
      }
    }
  }

  /** What there is now; `undefined` when the offset is beyond the end. */
  async #now(at: Asked): Promise<Fetched | undefined> {
    try {
      return await this.#topic.led(() => this.#fetch(at))
    } catch (error) {
      if (!isOne(error, 'OFFSET_OUT_OF_RANGE')) throw error
      const start = (await this.#topic.starts())[at.partition]!
      if (at.offset >= start) return undefined
      at.offset = start
      return this.#now(at)
    }
  }

  async #fetch(at: Asked): Promise<Fetched> {
    const leader = this.#topic.leaderOf(at.partition)
    let link = this.#links.get(leader)
    if (!link) this.#links.set(leader, (link = this.#topic.cluster.link(leader)))
    try {
      return (await fetchFrom(link, this.#topic, [at], 0)).get(at.partition)!
    } catch (error) {
      if (isNetwork(error) && this.#links.get(leader) === link) {
        this.#links.delete(leader) // its address may be another by now
        link.close()
      }
      throw error
    }
  }

  async #later(at: Asked, waitMs: number, signal: AbortSignal): Promise<Fetched | undefined> {
    const leader = this.#topic.leaderOf(at.partition)
    let tail = this.#tails.get(leader)
    if (!tail) this.#tails.set(leader, (tail = new Tail(this.#topic, () => this.#topic.cluster.link(leader, pollMs))))
    try {
      return await tail.wait(at, waitMs, signal)
    } catch (error) {
      await this.#topic.refresh().catch(() => undefined)
      throw error
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
    for (const tail of this.#tails.values()) tail.close()
  }
}
