/** Pub/Sub's longest lease. */
export const maxLeaseMs = 600_000
const everyMs = 200_000

/** Leases end in whole seconds. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.min(maxLeaseMs / 1000, Math.ceil(ms / 1000)))
}

interface Long {
  ackIds: readonly string[]
  untilMs: number
}

/** Prolongs leases that are to last longer than Pub/Sub's longest, from here: should this process die, they end within 10 minutes. */
export class LongLeases {
  readonly #lend: (ackIds: readonly string[], seconds: number) => Promise<unknown>
  readonly #leases = new Map<string, Long>()
  #timer: NodeJS.Timeout | undefined

  constructor(lend: (ackIds: readonly string[], seconds: number) => Promise<unknown>) {
    this.#lend = lend
  }

  /** Only what is longer is kept; a lease that has become short is forgotten. */
  hold(id: string, ackIds: readonly string[], ms: number): void {
    if (ms <= maxLeaseMs) return this.forget(id)
    this.#leases.set(id, { ackIds, untilMs: performance.now() + ms })
    this.#timer ??= setInterval(() => this.#prolong(), everyMs).unref()
  }

  forget(id: string): void {
    this.#leases.delete(id)
    if (this.#leases.size === 0) this.close()
  }

  #prolong(): void {
    for (const [id, { ackIds, untilMs }] of this.#leases) {
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) this.forget(id)
      else void this.#prolongOne(id, ackIds, leftMs)
    }
  }

  /** Should it fail, there are two more turns before the lease ends. */
  async #prolongOne(id: string, ackIds: readonly string[], leftMs: number): Promise<void> {
    const isDone = await this.#lend(ackIds, secondsOf(leftMs)).then(
      () => leftMs <= maxLeaseMs,
      () => false,
    )
    if (isDone && this.#leases.get(id)?.ackIds === ackIds) this.forget(id)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
