import type { Settlement } from './driver.ts'
import type { Attempts } from './nats-attempts.ts'
import type { Content } from './nats-message.ts'

/** A message that is lent to us. */
export interface Held {
  token: string
  subscription: string
  seq: number
  /** Where it is acknowledged. */
  reply: string
  attempt: number
  attempts: Attempts
  content: Content
  /** By our monotonic clock; never later than the server's. */
  untilMs: number
  /** Being settled: whoever settles it as well is late. */
  isEnding: boolean
  /** Settled in a call that failed as a whole: this outcome is answered by true once more. */
  owed?: Settlement['outcome']
}

/**
 * What this driver has lent. JetStream takes an acknowledgement of an earlier delivery for one of the newest, so it is us who must
 * not send it: once the lease has ended by our clock, or the message has come again, the token is stale.
 */
export class HeldMessages {
  readonly #byDelivery = new Map<string, Held>()
  readonly #byMessage = new Map<string, Held>()

  add(held: Held): void {
    this.#forgetEnded()
    const message = messageOf(held)
    const earlier = this.#byMessage.get(message)
    if (earlier) this.#byDelivery.delete(deliveryOf(earlier))
    this.#byDelivery.set(deliveryOf(held), held)
    this.#byMessage.set(message, held)
  }

  find(subscription: string, token: string): Held | undefined {
    const held = this.#byDelivery.get(deliveryOf({ subscription, token }))
    return held && held.untilMs > performance.now() ? held : undefined
  }

  delete(held: Held): void {
    this.#byDelivery.delete(deliveryOf(held))
    if (this.#byMessage.get(messageOf(held)) === held) this.#byMessage.delete(messageOf(held))
  }

  /** The oldest are first, so this looks at few. */
  #forgetEnded(): void {
    const now = performance.now()
    let kept = 0
    for (const held of this.#byDelivery.values()) {
      if (held.untilMs <= now) this.delete(held)
      else if (++kept >= 10) return
    }
  }
}

/** Tokens of two subscriptions may be equal. */
function deliveryOf({ subscription, token }: Pick<Held, 'subscription' | 'token'>): string {
  return `${subscription}/${token}`
}

function messageOf({ subscription, seq }: Held): string {
  return `${subscription}/${seq}`
}

/** Grows with each delivery of a subscription, as text. */
export function tokenOf(turn: number, seq: number): string {
  return `${String(turn).padStart(16, '0')}.${seq}`
}
