import { PartlyStored, type Refusal } from './codes.ts'

/** Of all batch requests of SQS and SNS. */
const maxEntries = 10

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

/** How a batch request is answered; an entry's `Id` is its place. */
export interface BatchAnswer {
  Successful?: { Id?: string | undefined; MessageId?: string | undefined }[] | undefined
  Failed?: Failed[] | undefined
}

interface Failed {
  Id?: string | undefined
  Code?: string | undefined
  Message?: string | undefined
  SenderFault?: boolean | undefined
}

/** What became of each entry of a batch; one that the answer does not name was refused. */
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

export interface Sending<Entry> {
  /** One batch request. */
  send(entries: Entry[]): Promise<BatchAnswer>
  bytesOf(entry: Entry): number
  /** Of one request. */
  maxBytes: number
  /**
   * One batch after the other, and none after one of which something was left behind: later ones may be stored already. Otherwise
   * what is left behind goes out again, alone.
   */
  inOrder?: boolean
}

/**
 * Sends all, each entry looked at, and answers their ids.
 * @throws PartlyStored, or what the first batch throws
 */
export async function sendAll<Entry>(sending: Sending<Entry>, entries: readonly Entry[]): Promise<string[]> {
  const ids = Array.from<string>({ length: entries.length })
  const places = piecesOf([...entries.keys()], (place) => sending.bytesOf(entries[place]!), sending.maxBytes)
  const failures: PieceFailure[] = []
  let stored = 0
  const send = async (piece: number[]) => {
    const failure = await sendPiece(sending, entries, piece, ids)
    stored += piece.length - (failure?.missed ?? 0)
    if (failure) failures.push(failure)
  }
  if (!sending.inOrder) await Promise.all(places.map(send))
  else for (const piece of places) if (failures.length === 0) await send(piece)
  const [failure] = failures
  if (!failure) return ids
  if (stored === 0 && failure.error !== undefined) throw failure.error
  throw new PartlyStored(stored, entries.length, failure.why)
}

interface PieceFailure {
  missed: number
  why: Refusal
  /** The request failed as a whole. */
  error?: unknown
}

async function sendPiece<Entry>(
  { send, inOrder }: Sending<Entry>,
  entries: readonly Entry[],
  places: number[],
  ids: string[],
): Promise<PieceFailure | undefined> {
  let left = places
  for (let round = 1; ; round++) {
    const asked = left
    try {
      const answer = await send(asked.map((place) => entries[place]!))
      const outcomes = outcomesOf(answer, asked.length)
      for (const { Id, MessageId = '' } of answer.Successful ?? []) ids[asked[Number(Id)]!] = MessageId
      left = asked.filter((_, i) => outcomes[i])
      const why = outcomes.find((each) => each?.isFinal) ?? outcomes.find(Boolean)
      if (!why) return undefined
      if (why.isFinal || inOrder || round === rounds) return { missed: left.length, why }
    } catch (error) {
      const why = { code: (error as Error).name, message: (error as Error).message, isFinal: false }
      return { missed: left.length, why, error }
    }
  }
}
