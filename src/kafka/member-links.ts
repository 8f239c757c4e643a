import type { Cluster } from './cluster.ts'
import { isNetwork } from './errors.ts'
import type { Link } from './link.ts'

/** How long a rebalance waits for members that beat and still hold partitions. */
export const rebalanceMs = 60_000

const limits = ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'] as const

interface Kept {
  link: Link
  broker: number
}

/**
 * A member's ways to the coordinator of its group: one for heartbeats and commits, that nothing may hold up, and one for
 * joining, whose answers Kafka holds back until the whole group is there.
 */
export class MemberLinks {
  readonly #cluster: Cluster
  readonly #groupId: string
  #quick: Kept | undefined
  #waiting: Kept | undefined
  #closed = false

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster
    this.#groupId = groupId
  }

  ask<R>(work: (link: Link) => Promise<R>): Promise<R> {
    return this.#cluster.coordinating(this.#groupId, async (broker) => {
      this.#quick = this.#to(broker, this.#quick, 0)
      const { link } = this.#quick
      try {
        return await work(link)
      } catch (error) {
        if (isNetwork(error) && this.#quick?.link === link) {
          this.#quick = undefined
          link.close()
        }
        throw error
      }
    })
  }

  wait<R>(work: (link: Link) => Promise<R>): Promise<R> {
    return this.#cluster.coordinating(this.#groupId, (broker) => {
      this.#waiting = this.#to(broker, this.#waiting, rebalanceMs)
      return work(this.#waiting.link)
    })
  }

  #to(broker: number, kept: Kept | undefined, holdMs: number): Kept {
    if (kept?.broker === broker) return kept
    kept?.link.close()
    const link = this.#cluster.link(broker, holdMs)
    if (this.#closed) link.close()
    return { link, broker }
  }

  endWaiting(): void {
    this.#waiting?.link.close()
    this.#waiting = undefined
  }

  /** A broker takes sessions of a range only; the next that it takes. */
  async sessionWithin(ms: number): Promise<number> {
    const broker = await this.#cluster.coordinatorOf(this.#groupId)
    const configs = await this.#cluster.brokerConfigs(broker, limits)
    const [min, max] = limits.map((name) => Number(configs[name] || ms)) as [number, number]
    return Math.min(Math.max(ms, min), max)
  }

  close(): void {
    this.#closed = true
    this.#quick?.link.close()
    this.endWaiting()
  }
}
