import type { Log } from '../../block.ts'
import { settledWithin } from '../../deadline.ts'
import { describe } from '../../errors.ts'
import { count } from '../../telemetry.ts'
import type { TopicDriver } from './driver.ts'

const everyMs = 60_000
const closeMs = 1_000

export interface TrimmingSetup {
  trim: TopicDriver['trim']
  block: string
  log: Log
}

/**
 * Has the driver drop now and then what subscriptions hold beyond their `keep`, and reports it. Several processes may do so:
 * there is just less for each to do.
 */
export class Trimming {
  readonly #setup: TrimmingSetup
  #timer: NodeJS.Timeout | undefined
  #trimming: Promise<unknown> | undefined

  constructor(setup: TrimmingSetup) {
    this.#setup = setup
  }

  begin(): void {
    this.#timer ??= setInterval(() => this.#turn(), everyMs * (0.75 + Math.random() / 2)).unref()
  }

  #turn(): void {
    this.#trimming ??= this.#trim().finally(() => (this.#trimming = undefined))
  }

  async #trim(): Promise<void> {
    const { trim, block, log } = this.#setup
    try {
      const went = (await trim()).filter(({ dropped }) => dropped > 0)
      for (const { subscription, dropped } of went) countDropped({ block, subscription }, dropped)
      if (went.length > 0)
        log.warn(
          { block, dropped: Object.fromEntries(went.map(({ subscription, dropped }) => [subscription, dropped])) },
          'topic: subscriptions held more than they keep, and their oldest messages were dropped; consume them, or unsubscribe',
        )
    } catch (error) {
      log.warn(
        { block, error: describe(error) },
        'topic: cannot drop now what subscriptions hold beyond what they keep',
      )
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#trimming) await settledWithin(this.#trimming, closeMs)
  }
}

function countDropped(labels: { block: string; subscription: string }, by: number): void {
  count('ashlar_topic_dropped_total', 'Messages that went because a subscription keeps no more', labels, by)
}
