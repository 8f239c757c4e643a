/** What every queue in the contest can do, ours included. */
export interface Contestant extends AsyncDisposable {
  readonly name: string
  /** One by one, awaited, by so many callers at a time. */
  sendSingles(count: number, callers: number): Promise<void>
  /** In batches of 1000, two at a time. */
  sendBatches(batches: number): Promise<void>
  /** Handles so many that are waiting there, with a handler that does nothing; done when each is acknowledged. */
  process(count: number): Promise<void>
  /** Time from send to handler, in milliseconds, of each of so many, sent at this rate. */
  latencies?(count: number, perSecond: number): Promise<number[]>
}

export const body = { text: 'x'.repeat(80) }
export const thousand = Array.from({ length: 1000 }, () => body)

/** Resolves when it has counted so many. */
export function countdown(count: number): { hit(by?: number): void; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = count
  const hit = (by = 1) => {
    left -= by
    if (left <= 0) resolve()
  }
  return { hit, done: promise }
}

/** Sends at an even rate, and notes how long each took to its handler. */
export async function timed(
  count: number,
  perSecond: number,
  send: (body: { sent: number }) => Promise<unknown>,
  arrivals: (arrived: (body: { sent: number }) => void) => Promise<{ stop(): Promise<unknown> }>,
): Promise<number[]> {
  const times: number[] = []
  const { hit, done } = countdown(count)
  const consumer = await arrivals(({ sent }) => {
    times.push(performance.now() - sent)
    hit()
  })
  for (let n = 0; n < count; n++) {
    const next = performance.now() + 1000 / perSecond
    await send({ sent: performance.now() })
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())))
  }
  await done
  await consumer.stop()
  return times
}
