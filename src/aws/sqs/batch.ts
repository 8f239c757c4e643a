import { describe } from '../../errors.ts'
import type { BatchResultErrorEntry, SQS } from '@aws-sdk/client-sqs'
import type { Calls } from '../calls.ts'
import { PartlyStored, type Refusal } from '../codes.ts'
import { bytesOf, maxMessageBytes, type Entry } from './message.ts'

/** Of all batch requests of SQS and SNS. */
export const maxEntries = 10

/** Rounds in which what was refused of a batch, but may be taken the next time, is sent again. */
const rounds = 3

/** Pieces of at most ten items, and of so many bytes together. */
export function piecesOf<T>(items: readonly T[], bytesOf: (item: T) => number = () => 0, maxBytes = Infinity): T[][] {
  const pieces: T[][] = []
  let bytes = Infinity
  for (const item of items) {
    const more = bytesOf(item)
    const last = pieces.at(-1)
    if (last && last.length < maxEntries && bytes + more <= maxBytes) last.push(item)
    else {
      pieces.push([item])
      bytes = 0
    }
    bytes += more
  }
  return pieces
}

interface BatchAnswer {
  Successful?: { Id?: string | undefined }[] | undefined
  Failed?: BatchResultErrorEntry[] | undefined
}

/** What became of each entry of a batch, whose ids are their places; one that the answer does not name was refused. */
export function outcomesOf({ Successful = [], Failed = [] }: BatchAnswer, length: number): (Refusal | undefined)[] {
  const outcomes = Array.from<unknown, Refusal | undefined>({ length }, () => ({
    code: 'NoAnswer',
    message: 'the answer does not name it',
    isFinal: false,
  }))
  for (const { Id } of Successful) outcomes[Number(Id)] = undefined
  for (const { Id, Code = 'Unknown', Message = '', SenderFault } of Failed)
    outcomes[Number(Id)] = { code: Code, message: Message, isFinal: SenderFault === true }
  return outcomes
}

export interface Target {
  sqs: SQS
  calls: Calls
  url: string
}

/**
 * Sends all, each entry looked at, and answers their ids. What a batch leaves behind goes out again, alone; with `inOrder` it does
 * not, since later ones may be stored already, and one batch goes after the other.
 * @throws PartlyStored, or what the first batch throws
 */
export async function sendAll(target: Target, entries: readonly Entry[], inOrder = false): Promise<string[]> {
  const ids = Array.from<string>({ length: entries.length })
  const pieces = piecesOf([...entries.keys()], (place) => bytesOf(entries[place]!), maxMessageBytes)
  let stored = 0
  const send = async (places: number[]) => {
    const { missed, why, error } = await sendPiece(target, entries, places, ids, inOrder ? 1 : rounds)
    stored += places.length - missed
    return why ? new PartlyStored(stored, entries.length, why) : error
  }
  const failures: unknown[] = []
  if (inOrder) for (const piece of pieces) failures.push(failures.some(Boolean) ? undefined : await send(piece))
  else failures.push(...(await Promise.all(pieces.map(send))))
  const failed = failures.find(Boolean)
  if (failed === undefined) return ids
  if (failed instanceof PartlyStored || stored === 0) throw failed
  throw new PartlyStored(stored, entries.length, { code: 'Unsent', message: describe(failed), isFinal: false })
}

interface PieceOutcome {
  missed: number
  why?: Refusal
  error?: unknown
}

async function sendPiece(
  { sqs, calls, url }: Target,
  entries: readonly Entry[],
  places: number[],
  ids: string[],
  tries: number,
): Promise<PieceOutcome> {
  let left = places
  let why: Refusal | undefined
  for (let round = 0; round < tries && left.length > 0; round++) {
    const Entries = left.map((place, i) => ({ Id: String(i), ...entries[place]! }))
    try {
      const answer = await calls.run((options) => sqs.sendMessageBatch({ QueueUrl: url, Entries }, options))
      for (const { Id, MessageId } of answer.Successful ?? []) ids[left[Number(Id)]!] = MessageId!
      const outcomes = outcomesOf(answer, left.length)
      left = left.filter((_, i) => outcomes[i])
      why = outcomes.find((each) => each?.isFinal) ?? outcomes.find(Boolean)
    } catch (error) {
      return { missed: left.length, error }
    }
    if (why?.isFinal) break
  }
  return left.length > 0 && why ? { missed: left.length, why } : { missed: 0 }
}
