import type { StoredMsg } from '@nats-io/jetstream'
import { apiNumbers, numberOf } from './faults.ts'
import { askMs, type Fields, type Link } from './link.ts'

/** A small text under a subject of its own, and the number of its last change. 0: there was none yet. */
export interface Kept {
  text: string | undefined
  revision: number
}

/** The newest message of a subject; `undefined` if there is none. */
export async function newestOf(link: Link, stream: string, subject: string): Promise<StoredMsg | undefined> {
  return found(link, stream, { last_by_subj: subject })
}

/** The first message of a subject at or after a sequence number. */
export function firstFrom(link: Link, stream: string, subject: string, seq: number): Promise<StoredMsg | undefined> {
  return found(link, stream, { seq, next_by_subj: subject })
}

/** One server asks the store directly; of several, only the leader is sure to know the newest. */
async function found(
  link: Link,
  stream: string,
  query: { last_by_subj: string } | { seq: number; next_by_subj: string },
): Promise<StoredMsg | undefined> {
  try {
    const isAlone = link.url.replicas === 1
    const message = await link.manage(({ direct, streams }) =>
      isAlone ? direct.getMessage(stream, query) : streams.getMessage(stream, query as { seq: number }),
    )
    return message ?? undefined
  } catch (error) {
    if (numberOf(error) === apiNumbers.noMessage) return undefined
    throw error
  }
}

export async function readKept(link: Link, stream: string, subject: string): Promise<Kept> {
  const message = await newestOf(link, stream, subject)
  return message ? { text: message.string() || undefined, revision: message.seq } : { text: undefined, revision: 0 }
}

/** Stores a text if nobody changed it meanwhile. Answers the new revision. @throws `ApiFault` (`conflict`) if somebody did */
export async function writeKept(
  link: Link,
  subject: string,
  text: string | Uint8Array,
  revision: number,
  fields: Fields = {},
): Promise<number> {
  const expected = { ...fields, 'Nats-Expected-Last-Subject-Sequence': String(revision) }
  const { seq } = await link.api<{ seq: number }>(subject, text, expected, askMs)
  return seq
}

export function isConflict(error: unknown): boolean {
  return numberOf(error) === apiNumbers.wrongLast || numberOf(error) === 10164
}
