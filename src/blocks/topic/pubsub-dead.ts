import type { Calls } from './pubsub-calls.ts'
import type { DeadLetter } from './driver.ts'
import type { LaneNames } from './pubsub-lane.ts'
import { copyOf, deadLetterOf, read, type Received } from './pubsub-message.ts'

const batch = 500
/** Long enough to look at them, short enough to have them back should this process die. */
const leaseSeconds = 60
const signal = new AbortController().signal

/**
 * The dead letters of a subscription, in a topic of their own. Pub/Sub shows messages only by lending them: they are looked at one after
 * the other and given back, and whoever looks at the same time elsewhere does not see them meanwhile.
 */
export class DeadLetters {
  readonly #calls: Calls
  readonly #names: LaneNames
  #turn: Promise<unknown> = Promise.resolve()

  constructor(calls: Calls, names: LaneNames) {
    this.#calls = calls
    this.#names = names
  }

  list(limit: number): Promise<DeadLetter[]> {
    return this.#inTurn(async () => {
      const letters: DeadLetter[] = []
      const ackIds = new Map<string, string>()
      try {
        await this.#each(ackIds, async (received) => {
          letters.push(...received.map(deadLetterOf))
          return letters.length < limit
        })
      } finally {
        await this.#giveBack(ackIds)
      }
      return letters.toSorted((a, b) => a.diedAt.getTime() - b.diedAt.getTime()).slice(0, limit)
    })
  }

  /** Only those that had died before it began, so that it ends though they may die again meanwhile. */
  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#inTurn(async () => {
      const wanted = ids === 'all' ? undefined : new Set(ids)
      const beforeMs = Date.now()
      const others = new Map<string, string>()
      let redriven = 0
      try {
        await this.#each(others, async (received) => {
          const chosen = received.filter((each) => {
            const { id, diedAt } = deadLetterOf(each)
            return diedAt.getTime() <= beforeMs && (wanted?.has(id) ?? true)
          })
          redriven += await this.#send(chosen, others)
          for (const each of chosen) wanted?.delete(read(each).id)
          return wanted?.size !== 0
        })
      } finally {
        await this.#giveBack(others)
      }
      return redriven
    })
  }

  async #send(chosen: readonly Received[], seen: Map<string, string>): Promise<number> {
    if (chosen.length === 0) return 0
    const copies = chosen.map((each) => copyOf(read(each), this.#names.name, { failures: 0 }))
    await this.#calls.publish(this.#names.topic, copies)
    await this.#calls.acknowledge(
      this.#names.dead,
      chosen.map(({ ackId }) => ackId),
    )
    for (const { message } of chosen) seen.delete(message.messageId)
    return chosen.length
  }

  /** Batch after batch, until there is none that was not `seen`, or `work` has enough. */
  async #each(seen: Map<string, string>, work: (received: Received[]) => Promise<boolean>): Promise<void> {
    for (;;) {
      const received = await this.#calls.pull(this.#names.dead, batch, 0, signal)
      const fresh = received.filter(({ message }) => !seen.has(message.messageId))
      for (const { message, ackId } of received) seen.set(message.messageId, ackId)
      if (fresh.length === 0) return
      await this.#calls.lend(
        this.#names.dead,
        fresh.map(({ ackId }) => ackId),
        leaseSeconds,
      )
      if (!(await work(fresh))) return
    }
  }

  async #giveBack(ackIds: ReadonlyMap<string, string>): Promise<void> {
    await this.#calls.lend(this.#names.dead, [...ackIds.values()], 0).catch(() => undefined) // else they come back by themselves
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#turn.then(work, work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}
