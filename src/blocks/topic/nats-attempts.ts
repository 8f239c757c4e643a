import { leaseEnded, withFailure, type Failure } from '../../lease/lease.ts'
import { readKept } from '../../nats/kept.ts'
import type { Site } from './nats-site.ts'

/** What became of earlier deliveries of a message to a subscription. Stored only for those that are tried again. */
export interface Attempts {
  /** Deliveries that were given back unhandled. */
  released: number
  failures: readonly Failure[]
  /** Of what is stored; 0: nothing is. */
  revision: number
}

export const noAttempts: Attempts = { released: 0, failures: [], revision: 0 }

export async function readAttempts({ link, places }: Site, subscription: string, seq: number): Promise<Attempts> {
  const { text, revision } = await readKept(link, places.notes, places.attempts(subscription, seq))
  if (text === undefined) return noAttempts
  const { released, failures } = JSON.parse(text) as { released: number; failures: (Failure & { at: string })[] }
  return { released, failures: failures.map((each) => ({ ...each, at: new Date(each.at) })), revision }
}

/** Stored before the message is given back: should we die in between, the next attempt counts one less, never one more. */
export async function writeAttempts(
  { link, places }: Site,
  subscription: string,
  seq: number,
  { released, failures }: Attempts,
): Promise<void> {
  await link.api(places.attempts(subscription, seq), JSON.stringify({ released, failures }))
}

export function released(attempts: Attempts): Attempts {
  return { ...attempts, released: attempts.released + 1 }
}

export function failed(attempts: Attempts, failure: Failure): Attempts {
  return { ...attempts, failures: withFailure(attempts.failures, failure) }
}

/** Attempts before this one that nobody has ended are failures, too. */
export function withEndedLeases(attempts: Attempts, attempt: number): Attempts {
  const first = Math.max(1, attempt - 10, (attempts.failures.at(-1)?.attempt ?? 0) + 1)
  let known = attempts
  for (let n = first; n < attempt; n++) known = failed(known, { attempt: n, at: new Date(), error: leaseEnded })
  return known
}

/** When the message is done with. What is left behind by an error goes with age: see `trim`. */
export async function forgetAttempts({ link, places }: Site, { revision }: Attempts): Promise<void> {
  if (revision === 0) return
  await link.manage(({ streams }) => streams.deleteMessage(places.notes, revision, false)).catch(() => undefined)
}
