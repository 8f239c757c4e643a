import type { Desk, Received } from './desk.ts'
import type { Grant } from './grant.ts'
import type { Envelope } from './message.ts'

interface Parts {
  desk: Desk
  message: Received
  /** The consumer that it came to, if any. */
  grant: Grant | undefined
  envelope: Envelope
}

let count = 0
/** No other process has it: tokens of another one mean nothing here. */
const here = crypto.randomUUID().slice(0, 8)

/** A message that somebody has. */
export class Held implements Parts {
  readonly desk: Desk
  readonly message: Received
  readonly grant: Grant | undefined
  readonly envelope: Envelope
  readonly token: string
  /** It is safe somewhere else: what is left is to take it from here. */
  isMoved = false
  untilMs = 0
  timer: NodeJS.Timeout | undefined

  constructor({ desk, message, grant, envelope }: Parts) {
    this.desk = desk
    this.message = message
    this.grant = grant
    this.envelope = envelope
    this.token = `${String(this.delivery).padStart(10, '0')}.${here}.${++count}`
  }

  get attempt(): number {
    return this.envelope.attempts + 1
  }

  get delivery(): number {
    return this.envelope.deliveries + 1
  }
}

/** The messages that are lent, by token, each until its lease ends. */
export class Holds {
  readonly #held = new Map<string, Held>()
  readonly #onEnd: (held: Held) => void

  constructor(onEnd: (held: Held) => void) {
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#held.size
  }

  find(token: string): Held | undefined {
    return this.#held.get(token)
  }

  add(held: Held, leaseMs: number): void {
    this.#held.set(held.token, held)
    held.untilMs = performance.now() + leaseMs
    clearTimeout(held.timer)
    held.timer = setTimeout(() => this.#end(held), leaseMs)
  }

  extend(token: string, leaseMs: number): boolean {
    const held = this.#held.get(token)
    if (held) this.add(held, leaseMs)
    return held !== undefined
  }

  /** Its lease does not end any more. */
  take(token: string): Held | undefined {
    const held = this.#held.get(token)
    if (held) this.#remove(held)
    return held
  }

  /** What was taken is lent again, for what is left of its lease. */
  restore(held: Held): void {
    if (held.desk.isOpen) this.add(held, Math.max(1, held.untilMs - performance.now()))
  }

  /** The server has taken back all that was lent here. */
  drop(desk: Desk): void {
    for (const held of this.#held.values()) if (held.desk === desk) this.#remove(held)
  }

  clear(): void {
    for (const held of this.#held.values()) this.#remove(held)
  }

  #remove(held: Held): void {
    clearTimeout(held.timer)
    this.#held.delete(held.token)
  }

  #end(held: Held): void {
    this.#remove(held)
    this.#onEnd(held)
  }
}
