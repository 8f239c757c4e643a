import { AshlarError } from './errors.ts'

/** The bounds of a `Gather`. */
export interface GatherOptions {
  /** Items of one batch at most. Default 1000. */
  maxBatch?: number
  /** Batches under way at once; what is asked meanwhile waits and goes out together. Default 2. */
  maxUnderWay?: number
  /** Items that may wait; more are refused with `exhausted`. Default 100 000. */
  maxWaiting?: number
  /** Bytes of one batch at most, as each item's caller counts them; one item may be larger. Default: no limit. */
  maxBytes?: number
}

interface Waiting<In, Out> {
  item: In
  bytes: number
  resolve(out: Out): void
  reject(error: unknown): void
}

/**
 * Makes batches of single calls, without a timer: what is asked in one turn of the event loop, or while earlier batches are
 * under way, goes out together. A batch that fails fails all its callers.
 */
export class Gather<In, Out> {
  readonly #send: (items: In[]) => Promise<readonly Out[]>
  readonly #options: Required<GatherOptions>
  #waiting: Waiting<In, Out>[] = []
  #underWay = 0
  #scheduled = false

  /** @param send answers in the order of its items */
  constructor(send: (items: In[]) => Promise<readonly Out[]>, options: GatherOptions = {}) {
    this.#send = send
    this.#options = { maxBatch: 1000, maxUnderWay: 2, maxWaiting: 100_000, maxBytes: Infinity, ...options }
  }

  /** @throws `exhausted` when too many wait, else what `send` throws */
  ask(item: In, bytes = 0): Promise<Out> {
    const { maxWaiting } = this.#options
    if (this.#waiting.length >= maxWaiting)
      return Promise.reject(new AshlarError('exhausted', `more than ${maxWaiting} calls wait for the engine`))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= this.#options.maxUnderWay) return
    this.#scheduled = true
    process.nextTick(() => {
      this.#scheduled = false
      while (this.#underWay < this.#options.maxUnderWay && this.#waiting.length > 0) void this.#flush(this.#take())
    })
  }

  #take(): Waiting<In, Out>[] {
    const { maxBatch, maxBytes } = this.#options
    let end = 0
    let bytes = 0
    for (const each of this.#waiting) {
      bytes += each.bytes
      if (end === maxBatch || (end > 0 && bytes > maxBytes)) break
      end++
    }
    return this.#waiting.splice(0, end)
  }

  async #flush(batch: Waiting<In, Out>[]): Promise<void> {
    this.#underWay++
    try {
      const answers = await this.#send(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Out))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#underWay--
      this.#schedule()
    }
  }
}
