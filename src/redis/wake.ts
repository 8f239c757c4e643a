import { Hints } from '../hints.ts'
import type { Subscriber } from './subscriber.ts'

/**
 * Hints that there is work: by this process at once, by others through what their scripts publish. They may get lost, so
 * whoever waits also looks by himself now and then.
 */
export class Wake extends Hints {
  readonly #subscriber: Subscriber
  readonly #channel: string
  #leave: Promise<() => void> | undefined

  constructor(subscriber: Subscriber, channel: string) {
    super()
    this.#subscriber = subscriber
    this.#channel = channel
  }

  /** Listens from now on. */
  async listen(): Promise<void> {
    const wake = () => this.wake()
    this.#leave ??= this.#subscriber.listen(this.#channel, { onMessage: wake, onGap: wake })
    await this.#leave
  }

  async close(): Promise<void> {
    const leave = await this.#leave
    leave?.()
    this.wake()
  }
}
