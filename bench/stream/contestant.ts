import { body } from '../queue/contestant.ts'

/** What every log in the contest can do. */
export interface LogContestant extends AsyncDisposable {
  readonly name: string
  /** One by one, awaited, so many at a time. */
  appendSingles(count: number, at: number): Promise<void>
  /** In batches of 500. */
  appendBatches(batches: number): Promise<void>
  /** As a new group, from the start, so many records, each parsed from JSON; the place is committed as it goes. */
  consume(count: number): Promise<void>
}

export const batch = Array.from({ length: 500 }, () => body)
