import type { Message } from '@aws-sdk/client-sqs'
import { wholeMs } from '../calls.ts'
import { deleteAll, hideAll } from './changes.ts'
import { countsOf } from './counts.ts'
import { bytesOf, entryOf, maxMessageBytes, storedOf, type Stored } from './message.ts'
import { sendTo, type Target } from './target.ts'

export interface Buried extends Stored {
  id: string
  attempts: number
  error: string
  diedAt: Date
}

interface Found extends Buried {
  handle: string
}

/** While it is listed a dead letter is hidden from others; should we die meanwhile it shows again after so long. */
const hiddenS = 30
const longestError = 200

/** Dead letters: in a queue of their own, from which they are only looked at until they are redriven. */
export class Graveyard {
  readonly #target: Target
  readonly #raise: (buried: readonly Stored[]) => Promise<unknown>
  /** One look after the other: what one has in its hands another would not see. */
  #turn: Promise<unknown> = Promise.resolve()

  /** @param raise sends them to where they came from */
  constructor(target: Target, raise: (buried: readonly Stored[]) => Promise<unknown>) {
    this.#target = target
    this.#raise = raise
  }

  bury(dead: readonly Stored[]): Promise<unknown> {
    return sendTo(this.#target, dead.map(buryingOf))
  }

  async count(): Promise<number> {
    const { ready, leased } = await countsOf(this.#target)
    return ready + leased
  }

  /** Of those that it looked at, the oldest first. */
  list(limit: number): Promise<Buried[]> {
    return this.#inTurn(async () => {
      const found = await this.#look((seen) => seen.length >= limit)
      await this.#hide(found)
      return found.sort((a, b) => a.diedAt.getTime() - b.diedAt.getTime()).slice(0, limit)
    })
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#inTurn(async () => {
      const wanted = ids === 'all' ? undefined : new Set(ids)
      const isWanted = ({ id }: Found) => wanted?.has(id) ?? true
      const seen = await this.#look((found) => wanted !== undefined && found.filter(isWanted).length >= wanted.size)
      const raised = seen.filter(isWanted)
      try {
        await this.#raise(
          raised.map(({ id, body, note }) => ({ body, note: { meta: note.meta, id, ...sentOf(note) } })),
        )
        await this.#remove(raised)
      } finally {
        await this.#hide(seen.filter((each) => !isWanted(each)))
      }
      return raised.length
    })
  }

  async #look(isEnough: (found: Found[]) => boolean): Promise<Found[]> {
    const found: Found[] = []
    const endMs = performance.now() + wholeMs / 2
    for (let waitS = 0; !isEnough(found) && performance.now() < endMs;) {
      const page = await this.#receive(waitS)
      found.push(...page)
      if (page.length > 0) continue
      // A short question asks some of the servers only; a long one asks all.
      if (waitS > 0 || (await this.count()) <= found.length) break
      waitS = 1
    }
    return found
  }

  async #receive(waitS: number): Promise<Found[]> {
    const { sqs, calls, url } = this.#target
    const of = {
      QueueUrl: url,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: hiddenS,
      WaitTimeSeconds: waitS,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['SentTimestamp' as const],
    }
    const { Messages } = await calls.run((options) => sqs.receiveMessage(of, options))
    return (Messages ?? []).map(foundOf)
  }

  /** @throws when one is still there: it will be listed, and redriven, again */
  async #remove(found: readonly Found[]): Promise<void> {
    const outcomes = await deleteAll(
      this.#target,
      found.map(({ handle }) => handle),
    )
    const failed = outcomes.find((outcome) => outcome instanceof Error)
    if (failed) throw failed
  }

  async #hide(found: readonly Found[]): Promise<void> {
    await hideAll(
      this.#target,
      found.map(({ handle }) => ({ handle, seconds: 0 })),
    )
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

function buryingOf(stored: Stored) {
  const entry = entryOf(stored)
  const { dead } = stored.note
  if (!dead || bytesOf(entry) <= maxMessageBytes) return entry
  return entryOf({ ...stored, note: { ...stored.note, dead: { ...dead, error: dead.error.slice(0, longestError) } } })
}

function foundOf(message: Message): Found {
  const { MessageId = '', ReceiptHandle = '', Attributes } = message
  const { body, note } = storedOf(message)
  const { attempts = 1, error = 'not known: it was put here by others' } = note.dead ?? {}
  const diedAt = new Date(Number(Attributes?.SentTimestamp ?? 0))
  return { body, note, id: note.id ?? MessageId, handle: ReceiptHandle, attempts, error, diedAt }
}

function sentOf({ sentMs }: Stored['note']): { sentMs?: number } {
  return sentMs === undefined ? {} : { sentMs }
}
