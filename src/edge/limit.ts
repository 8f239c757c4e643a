/** What the edge needs of a limiter block. */
export interface RateLimit {
  take(key: string): Promise<RateDecision>
}

export interface RateDecision {
  allowed: boolean
  retryAfterMs: number
  headers: Record<string, string>
}

const mostStrangers = 10_000

/**
 * Counts requests that a guard refused against their address. An address that has used up its limit is not even checked until
 * it may come again: neither a signature nor a look into the session store is spent on it.
 */
export class Strangers {
  readonly #limit: RateLimit
  readonly #until = new Map<string, number>()

  constructor(limit: RateLimit) {
    this.#limit = limit
  }

  /** Headers for a 429 when the address must wait, `undefined` when it may be checked. */
  waits(address: string): Record<string, string> | undefined {
    const leftMs = (this.#until.get(address) ?? 0) - performance.now()
    if (leftMs > 0) return { 'retry-after': String(Math.ceil(leftMs / 1000)) }
    this.#until.delete(address)
    return undefined
  }

  /** Counts a refused request. @returns headers for a 429 when that was one too many */
  async refused(address: string): Promise<Record<string, string> | undefined> {
    const { allowed, retryAfterMs, headers } = await this.#limit.take(`address:${address}`)
    if (allowed) return undefined
    this.#until.delete(address)
    this.#until.set(address, performance.now() + retryAfterMs)
    if (this.#until.size > mostStrangers) this.#until.delete(this.#until.keys().next().value!)
    return headers
  }
}
