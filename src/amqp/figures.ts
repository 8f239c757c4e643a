import type { Envelope } from './message.ts'

/*
 * Figures that AMQP does not tell: what a process can say of them from what it has seen itself.
 */

const mostKept = 100_000

/** How many messages that were delayed here are not due yet. */
export class Delayed {
  #dueMs: number[] = []

  add(delayMs: number): void {
    if (this.#dueMs.length >= mostKept) this.count()
    if (this.#dueMs.length < mostKept) this.#dueMs.push(performance.now() + delayMs)
  }

  count(): number {
    const nowMs = performance.now()
    this.#dueMs = this.#dueMs.filter((dueMs) => dueMs > nowMs)
    return this.#dueMs.length
  }
}

/**
 * How old the oldest ready message is at most: RabbitMQ hands them out in order, so it came after the newest one that was
 * handed out here, and after the queue was last seen empty. A process that has just begun cannot tell of the time before.
 */
export class Ages {
  #sinceMs = Date.now()

  seen({ sentMs, attempts }: Envelope): void {
    if (attempts === 0) this.#sinceMs = Math.max(this.#sinceMs, sentMs)
  }

  oldest(ready: number): number {
    if (ready === 0) this.#sinceMs = Date.now()
    return ready === 0 ? 0 : Math.max(1, Date.now() - this.#sinceMs)
  }
}
