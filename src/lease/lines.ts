import { AshlarError } from '../errors.ts'
import { Gather, type GatherOptions } from '../gather.ts'

interface Line<In, Out> {
  gather: Gather<In, Out>
  users: number
}

/**
 * Group commit in lines: single calls of one line go out in order, one batch at a time, those that come meanwhile together;
 * lines do not wait for one another. A line lasts as long as something is in it.
 */
export class Lines<In, Out> {
  readonly #send: (items: In[]) => Promise<Out[]>
  readonly #options: Required<Pick<GatherOptions, 'maxWaiting'>> & GatherOptions
  readonly #lines = new Map<string, Line<In, Out>>()
  #count = 0
  #idle = Promise.withResolvers<void>()

  constructor(
    send: (items: In[]) => Promise<Out[]>,
    options: Required<Pick<GatherOptions, 'maxWaiting'>> & GatherOptions,
  ) {
    this.#send = send
    this.#options = { ...options, maxUnderWay: 1 }
  }

  /** @throws `exhausted` when too many wait in all lines together, else what `send` throws */
  async add(item: In, bytes = 0, name = ''): Promise<Out> {
    if (this.#count >= this.#options.maxWaiting)
      throw new AshlarError('exhausted', `${this.#count} calls wait for the engine already; send slower, or try later`)
    let line = this.#lines.get(name)
    if (!line) this.#lines.set(name, (line = { gather: new Gather(this.#send, this.#options), users: 0 }))
    if (this.#count++ === 0) this.#idle = Promise.withResolvers<void>()
    line.users++
    try {
      return await line.gather.ask(item, bytes)
    } finally {
      if (--line.users === 0) this.#lines.delete(name)
      if (--this.#count === 0) this.#idle.resolve()
    }
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#idle.promise
  }
}
