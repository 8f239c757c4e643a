import assert from 'node:assert/strict'
import type { Code } from '../../../errors.ts'
import type { Leased, Outgoing, QueueDriver } from '../driver.ts'

/** What a driver needs for the suite. */
export interface QueueHarness {
  /**
   * One more driver on the same engine, whose queues are empty at first, as another process would open it; the harness
   * closes it. @param name of the block; default one and the same
   */
  driver(name?: string): Promise<QueueDriver>
  codeOf(error: unknown): Code | undefined
  /** The database of `{ tx }` and `once`: the driver's own when it declares `transactions`; may be another's, or none. */
  databaseUrl?: string
}

export const bodies = [
  [1, 2, 3],
  [],
  'a',
  0,
  false,
  null,
  {},
  { a: { b: [null] } },
  'nul \0 end',
  '中 😀 \ud800',
  1e21,
].map((each) => JSON.stringify(each))
export const longMs = 60_000
export const shortMs = 300
export const never: AbortSignal = new AbortController().signal

export function message(body: unknown, more: Partial<Outgoing> = {}): Outgoing {
  return { body: JSON.stringify(body), headers: {}, delayMs: 0, priority: 0, ...more }
}

/** What is ready now. */
export function take(driver: QueueDriver, max = 100, leaseMs = longMs): Promise<Leased[]> {
  return driver.receive({ max, leaseMs, waitMs: 0, signal: never })
}

/** Waits for the first message. */
export function wait(driver: QueueDriver, max = 100, leaseMs = longMs): Promise<Leased[]> {
  return driver.receive({ max, leaseMs, waitMs: 10_000, signal: never })
}

export async function one(driver: QueueDriver, leaseMs = longMs): Promise<Leased> {
  const [lent] = await wait(driver, 1, leaseMs)
  assert.ok(lent, 'a message should have come')
  return lent
}

export function values(lent: readonly Leased[]): unknown[] {
  return lent.map(({ body }) => JSON.parse(body))
}
