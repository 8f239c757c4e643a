import type { Message } from '@aws-sdk/client-sqs'

interface Poll {
  max: number
  leaseS: number
  answer: Promise<Message[]>
}

export interface PollSetup {
  ask(max: number, leaseS: number, waitS: number): Promise<Message[]>
  /** Takes back what came when nobody waited any more. */
  giveBack(messages: Message[]): Promise<unknown>
}

/**
 * Waiting questions. One that its asker left is not cut: SQS lends messages to it all the same, and they would be hidden until
 * their lease ends. The next asker takes it over, else what it brings is given back, after closing, too.
 */
export class Polls {
  readonly #setup: PollSetup
  readonly #left = new Map<Poll, Promise<unknown>>()

  constructor(setup: PollSetup) {
    this.#setup = setup
  }

  /** Answers none when the time has passed or the signal aborts. @throws what asking throws */
  async wait(max: number, leaseS: number, waitS: number, signal: AbortSignal): Promise<Message[]> {
    if (signal.aborted) return []
    const adopted = this.#adopt(max, leaseS)
    const poll = adopted ?? { max, leaseS, answer: this.#setup.ask(max, leaseS, waitS) }
    const stop = Promise.withResolvers<undefined>()
    const leave = () => stop.resolve(undefined)
    const timer = adopted && setTimeout(leave, waitS * 1000)
    signal.addEventListener('abort', leave, { once: true })
    try {
      const messages = await Promise.race([poll.answer, stop.promise])
      if (!messages) this.#leave(poll)
      return messages ?? []
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
  }

  #adopt(max: number, leaseS: number): Poll | undefined {
    for (const poll of this.#left.keys()) {
      if (poll.max > max || poll.leaseS !== leaseS) continue
      this.#left.delete(poll)
      return poll
    }
    return undefined
  }

  #leave(poll: Poll): void {
    this.#left.set(poll, this.#attend(poll))
  }

  async #attend(poll: Poll): Promise<void> {
    try {
      const messages = await poll.answer
      if (this.#left.has(poll) && messages.length > 0) await this.#setup.giveBack(messages)
    } catch {
      // It brought nothing, or what it brought comes again when its lease ends.
    }
    this.#left.delete(poll)
  }

  /** Resolves when no question that was left waits any more. */
  async idle(): Promise<void> {
    while (this.#left.size > 0) await Promise.all(this.#left.values())
  }
}
