import type { Message, SQS } from '@aws-sdk/client-sqs'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { Calls } from '../calls.ts'
import { deleteAll, hideAll } from './changes.ts'
import type { EngineClock } from './clock.ts'
import { countsOf } from './counts.ts'
import { Graveyard, type Buried } from './graveyard.ts'
import { Leases, noteOfCopy, type Lease } from './leases.ts'
import { entryOf, type Entry, type Stored } from './message.ts'
import { Polls } from './polls.ts'
import { Settler, type Settling } from './settling.ts'
import { sendTo, type Target } from './target.ts'

/** The longest delay of one message of SQS; a longer one is made of several. */
const longestDelayMs = 900_000
/**
 * A lease begins with so much at most, and is prolonged when the answer has come: an answer that is lost on its way hides
 * messages for no longer.
 */
const firstLeaseMs = 30_000
const longestWaitS = 20
/** How much later than asked for an answer may come. */
const lateMs = 6_000
const shortPollMs = 100

export interface Receiving {
  max: number
  leaseMs: number
  waitMs: number
  signal: AbortSignal
}

export interface LaneSetup {
  sqs: SQS
  calls: Calls
  clock: EngineClock
  url: string
  deadUrl: string
  /** One message at a time of each group, in order: a queue of the kind FIFO. */
  fifo: boolean
  /** The group of a message in such a queue. */
  groupOf?(stored: Stored): Pick<Entry, 'MessageGroupId' | 'MessageDeduplicationId'>
}

/** A queue of SQS with its dead letters: leases, retries, delays of any length. Queues and subscriptions of topics are made of it. */
export class SqsLane {
  readonly #setup: LaneSetup
  readonly #target: Target
  readonly #leases = new Leases()
  readonly #polls: Polls
  readonly #graveyard: Graveyard
  readonly #settler: Settler

  constructor(setup: LaneSetup) {
    const { sqs, calls, url, deadUrl, fifo } = setup
    this.#setup = setup
    this.#target = { sqs, calls, url }
    this.#polls = new Polls({
      ask: (max, leaseS, waitS) => this.#ask(max, leaseS, waitS),
      giveBack: (messages) => this.#giveBack(messages),
    })
    this.#graveyard = new Graveyard({ sqs, calls, url: deadUrl }, (risen) => this.#raise(risen))
    this.#settler = new Settler({
      target: this.#target,
      leases: this.#leases,
      fifo,
      bury: (dead) => this.#graveyard.bury(dead),
      postpone: (copies) => this.send(copies.map(({ stored, delayMs }) => delayed(stored, delayMs))),
    })
  }

  send(entries: readonly Entry[]): Promise<string[]> {
    return sendTo(this.#target, entries, this.#setup.fifo)
  }

  #raise(risen: readonly Stored[]): Promise<string[]> {
    return this.send(risen.map((each) => ({ ...entryOf(each), ...this.#setup.groupOf?.(each) })))
  }

  async receive({ max, leaseMs, waitMs, signal }: Receiving): Promise<Lease[]> {
    this.#leases.sweep()
    const endMs = performance.now() + waitMs
    const either = AbortSignal.any([signal, this.#setup.calls.closing])
    for (;;) {
      const leftMs = Math.max(0, endMs - performance.now())
      const found = either.aborted ? [] : await this.#take(max, leaseMs, leftMs, either)
      if (found.length > 0 || leftMs <= 0 || either.aborted) return found
      if (leftMs < 1000)
        await sleep(Math.min(shortPollMs, leftMs), undefined, { signal: either }).catch(() => undefined)
    }
  }

  async #take(max: number, leaseMs: number, waitMs: number, signal: AbortSignal): Promise<Lease[]> {
    const leaseS = Math.ceil(Math.min(leaseMs, firstLeaseMs) / 1000)
    // One by one from a FIFO queue: it may answer others of the same group as well, and for each of them an attempt would count.
    const most = this.#setup.fifo ? 1 : 10
    const waitS = Math.min(longestWaitS, Math.floor(waitMs / 1000))
    const found =
      waitS > 0
        ? await this.#polls.wait(Math.min(most, max), leaseS, waitS, signal)
        : await this.#ask(Math.min(most, max), leaseS, 0)
    for (let last = found; last.length === most && found.length < max && !signal.aborted;) {
      last = await this.#ask(Math.min(most, max - found.length), leaseS, 0).catch(() => [])
      found.push(...last)
    }
    return this.#lend(found, leaseS, leaseMs)
  }

  async #ask(max: number, leaseS: number, waitS: number): Promise<Message[]> {
    const { sqs, calls, url } = this.#setup
    const of = {
      QueueUrl: url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: leaseS,
      WaitTimeSeconds: waitS,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['SentTimestamp' as const, 'ApproximateReceiveCount' as const],
    }
    const { Messages } = await calls.linger((options) => sqs.receiveMessage(of, options), waitS * 1000 + lateMs)
    return Messages ?? []
  }

  /** After closing, too. */
  async #giveBack(messages: Message[]): Promise<void> {
    const { sqs, calls, url } = this.#setup
    const Entries = messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle, VisibilityTimeout: 0 }))
    await calls.linger((options) => sqs.changeMessageVisibilityBatch({ QueueUrl: url, Entries }, options))
  }

  async #lend(messages: Message[], leaseS: number, leaseMs: number): Promise<Lease[]> {
    const leases = messages.map((message) => this.#leases.add(message, leaseS * 1000))
    const early = leases.filter((lease) => this.#earlyMs(lease) > 0)
    // What fails here comes again when its lease ends.
    if (early.length > 0) await this.#postpone(early).catch(() => undefined)
    const due = leases.filter((lease) => !early.includes(lease))
    if (leaseMs <= firstLeaseMs || due.length === 0) return due
    const tokens = due.map(({ token }) => token)
    const held = await this.extend(tokens, leaseMs).catch(() => [])
    return due.filter((_, i) => held[i])
  }

  /** How long it is still to wait, by the engine's clock. */
  #earlyMs({ copySentMs, note }: Lease): number {
    return note.delayMs === undefined ? 0 : copySentMs + note.delayMs - this.#setup.clock.nowMs
  }

  /** Replaces messages by copies that wait for what is left of their delay. */
  async #postpone(leases: Lease[]): Promise<void> {
    const copies = leases.map((lease) => {
      const note = { ...noteOfCopy(lease), attempts: lease.note.attempts ?? 0 }
      return delayed({ body: lease.body, note }, this.#earlyMs(lease))
    })
    await this.send(copies)
    await deleteAll(
      this.#target,
      leases.map(({ handle }) => handle),
    )
    for (const lease of leases) this.#leases.drop(lease)
  }

  settle(settlings: readonly Settling[]): Promise<boolean[]> {
    return this.#settler.settle(settlings)
  }

  /** @throws when SQS could not be asked about some */
  async extend(tokens: readonly string[], leaseMs: number): Promise<boolean[]> {
    const leases = tokens.map((token) => this.#leases.held(token))
    const held = leases.filter((lease) => lease !== undefined)
    const [askedMs, seconds] = [performance.now(), Math.ceil(leaseMs / 1000)]
    const outcomes = await hideAll(
      this.#target,
      held.map(({ handle }) => ({ handle, seconds })),
    )
    held.forEach((lease, i) => {
      if (outcomes[i] === 'done') lease.untilMs = askedMs + seconds * 1000
      else if (outcomes[i] === 'gone') this.#leases.drop(lease)
    })
    const failed = outcomes.find((outcome) => outcome instanceof Error)
    if (failed) throw failed
    return leases.map((lease) => lease !== undefined && outcomes[held.indexOf(lease)] === 'done')
  }

  dead(limit: number): Promise<Buried[]> {
    return this.#graveyard.list(limit)
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#graveyard.redrive(ids)
  }

  async stats() {
    const [counts, dead] = await Promise.all([countsOf(this.#target), this.#graveyard.count()])
    return { ...counts, dead }
  }

  /** Resolves when no question waits any more that a receive has left, or is about to leave. */
  async idle(): Promise<void> {
    await setImmediate()
    await this.#polls.idle()
  }
}

/** A message that is not lent before its delay has passed, however long that is. */
export function delayed(stored: Stored, delayMs: number): Entry {
  const { note } = stored
  const own = delayMs > longestDelayMs ? { delayMs } : {}
  const entry = entryOf({ ...stored, note: { ...note, ...own } })
  return delayMs > 0 ? { ...entry, DelaySeconds: Math.ceil(Math.min(delayMs, longestDelayMs) / 1000) } : entry
}
