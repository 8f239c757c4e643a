import { outcomesOf, piecesOf } from '../batch.ts'
import { EntryRefused, type Refusal } from '../codes.ts'
import type { Target } from './target.ts'

/** How a change of one receipt handle ended: `gone` when SQS says that it no longer holds. */
export type Outcome = 'done' | 'gone' | Error

/** Takes messages out of the queue. Never throws. */
export function deleteAll(target: Target, handles: readonly string[]): Promise<Outcome[]> {
  const { sqs, calls, url } = target
  return inPieces(handles, (piece) => {
    const Entries = piece.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle }))
    return calls.run((options) => sqs.deleteMessageBatch({ QueueUrl: url, Entries }, options))
  })
}

/** Hides messages for so many seconds from now, or shows them (0). Never throws. */
export function hideAll(target: Target, hidden: readonly { handle: string; seconds: number }[]): Promise<Outcome[]> {
  const { sqs, calls, url } = target
  return inPieces(hidden, (piece) => {
    const Entries = piece.map(({ handle, seconds }, i) => {
      return { Id: String(i), ReceiptHandle: handle, VisibilityTimeout: seconds }
    })
    return calls.run((options) => sqs.changeMessageVisibilityBatch({ QueueUrl: url, Entries }, options))
  })
}

async function inPieces<T>(
  items: readonly T[],
  change: (piece: T[]) => Promise<Parameters<typeof outcomesOf>[0]>,
): Promise<Outcome[]> {
  const outcomes = await Promise.all(
    piecesOf(items).map(async (piece): Promise<Outcome[]> => {
      try {
        return outcomesOf(await change(piece), piece.length).map(outcomeOf)
      } catch (error) {
        return piece.map(() => (error instanceof Error ? error : new Error(String(error))))
      }
    }),
  )
  return outcomes.flat()
}

/** What an entry's refusal says, as SQS names it. InvalidParameterValue: also a lease of more than 12 hours in all. */
const gone = /ReceiptHandleIsInvalid$|MessageNotInflight$|InvalidParameterValue$|InvalidAddress$/

function outcomeOf(refusal: Refusal | undefined): Outcome {
  if (!refusal) return 'done'
  if (gone.test(refusal.code)) return 'gone'
  return new EntryRefused(refusal)
}
