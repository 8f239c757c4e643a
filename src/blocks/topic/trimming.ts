import type { Log } from '../../block.ts'
import { describe } from '../../errors.ts'
import { Retaining } from '../../lease/retaining.ts'
import { count } from '../../telemetry.ts'
import type { TopicDriver } from './driver.ts'

export interface TrimmingSetup {
  trim: TopicDriver['trim']
  block: string
  log: Log
}

/** Has the driver drop now and then what subscriptions hold beyond their `keep`, and reports it. */
export function trimming(setup: TrimmingSetup): Retaining {
  return new Retaining(() => trimOnce(setup))
}

async function trimOnce({ trim, block, log }: TrimmingSetup): Promise<void> {
  try {
    const went = (await trim()).filter(({ dropped }) => dropped > 0)
    for (const { subscription, dropped } of went) countDropped({ block, subscription }, dropped)
    if (went.length > 0)
      log.warn(
        { block, dropped: Object.fromEntries(went.map(({ subscription, dropped }) => [subscription, dropped])) },
        'topic: subscriptions held more than they keep, and their oldest messages were dropped; consume them, or unsubscribe',
      )
  } catch (error) {
    log.warn({ block, error: describe(error) }, 'topic: cannot drop now what subscriptions hold beyond what they keep')
  }
}

function countDropped(labels: { block: string; subscription: string }, by: number): void {
  count('ashlar_topic_dropped_total', 'Messages that went because a subscription keeps no more', labels, by)
}
