import type { Message } from '@aws-sdk/client-sqs'
import { storedOf, type Note } from './message.ts'

/** A message that this process has been lent. */
export interface Lease {
  token: string
  handle: string
  id: string
  body: string
  note: Note
  attempt: number
  sentMs: number
  /** When this copy was sent. */
  copySentMs: number
  /** When SQS lent it, and when that ends, by our clock. */
  sinceMs: number
  untilMs: number
  /** Its copy (a dead letter, a late retry) is stored already, should the rest have failed. */
  isMoved: boolean
  /** It was settled within a call that failed for others: the next call only hears so. */
  isSettled: boolean
}

/**
 * What this process was lent and has not settled. This is the fence: SQS itself answers "deleted" to stale receipt handles, so
 * a token is good for as long as its lease lasts by our own clock, and no longer.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>()

  add(message: Message, leaseMs: number): Lease {
    const lease = leaseOf(message, leaseMs)
    this.#leases.set(lease.token, lease)
    return lease
  }

  held(token: string): Lease | undefined {
    const lease = this.#leases.get(token)
    return lease && lease.untilMs > performance.now() ? lease : undefined
  }

  drop({ token }: Lease): void {
    this.#leases.delete(token)
  }

  /** Those that nobody settled are given up. */
  sweep(): void {
    for (const lease of this.#leases.values()) if (lease.untilMs <= performance.now()) this.drop(lease)
  }
}

function leaseOf(message: Message, leaseMs: number): Lease {
  const { MessageId = '', ReceiptHandle = '', Attributes = {} } = message
  const { body, note } = storedOf(message)
  const copySentMs = Number(Attributes.SentTimestamp ?? 0)
  const count = Number(Attributes.ApproximateReceiveCount ?? 1)
  const sinceMs = performance.now()
  return {
    token: `${String(copySentMs).padStart(14, '0')}${String(count).padStart(6, '0')}.${ReceiptHandle}`,
    handle: ReceiptHandle,
    id: note.id ?? MessageId,
    body,
    note,
    attempt: (note.attempts ?? 0) + count,
    sentMs: note.sentMs ?? copySentMs,
    copySentMs,
    sinceMs,
    untilMs: sinceMs + leaseMs,
    isMoved: false,
    isSettled: false,
  }
}

/** The note of a copy of it: the same message to whoever sees it. */
export function noteOfCopy({ id, sentMs, note }: Lease): Note {
  return { meta: note.meta, id, sentMs }
}
