import { topic } from '../../src/blocks/topic/index.ts'
import { callers } from '../contest.ts'
import { body, countdown } from '../queue/contestant.ts'
import { subscriptions, type FanOut } from './contestant.ts'

export async function ashlar(url: string): Promise<FanOut> {
  const events = await topic<object>('bench', { url })
  return {
    name: 'ashlar',
    async fanOut(count) {
      const { hit, done } = countdown(count * subscriptions.length)
      const options = { concurrency: 256 }
      const consumers = await Promise.all(subscriptions.map((name) => events.subscribe(name, () => hit(), options)))
      await callers(count, 256, () => events.publish(body))
      await done
      await Promise.all(consumers.map((each) => each.close()))
    },
    [Symbol.asyncDispose]: () => events.close(),
  }
}
