import type { Pulled } from './pubsub-message.ts'

/** A message that a handler of this process has. */
export interface Held {
  pulled: Pulled
  token: string
  attempt: number
  /** Until when it is surely ours, by this process's monotonic clock. */
  untilMs: number
}

const maxRemembered = 10_000
let lastStamp = 0

/** Later ones sort higher, as text: by the clock, and never back within this process. */
function stamp(): string {
  lastStamp = Math.max(lastStamp + 1, Date.now() * 1000)
  return String(lastStamp).padStart(17, '0')
}

/**
 * What this process holds of one subscription. Pub/Sub takes an acknowledgement by whoever has once had a message, so this is the
 * fence: a token counts only here, while its lease lasts. And of each key only the first message is lent; those that came with
 * it wait behind it.
 */
export class HeldMessages {
  readonly #held = new Map<string, Held>()
  /** By key, the id of its message that is lent. */
  readonly #first = new Map<string, string>()
  readonly #behind = new Map<string, Pulled[]>()
  /** Attempts that failed here and that the message itself does not tell. */
  readonly #failures = new Map<string, number>()
  /** The next of their keys, as long as the lease lasts that they came with. */
  #next: { pulled: Pulled; untilMs: number }[] = []

  /** Of what was pulled, what may be lent now; the rest is kept behind the first of its key, or is held already. */
  sort(pulled: readonly Pulled[]): Pulled[] {
    this.#prune()
    return pulled.filter((each) => !this.#isHeld(each) && !this.#mustWait(each))
  }

  /** Delivered again: while it is ours it needs the newer proof, afterwards its lease has ended by itself. */
  #isHeld(pulled: Pulled): boolean {
    const held = this.#held.get(pulled.id)
    if (!held) return false
    if (held.untilMs > performance.now()) {
      held.pulled.ackId = pulled.ackId
      return true
    }
    this.fail(held)
    return false
  }

  #mustWait(pulled: Pulled): boolean {
    const { key } = pulled
    if (key === undefined) return false
    const first = this.#first.get(key)
    const isTaken = first !== undefined && (this.#held.get(first)?.untilMs ?? Infinity) > performance.now()
    if (!isTaken) {
      this.#behind.delete(key)
      this.#first.set(key, pulled.id)
      return false
    }
    const behind = this.#behind.get(key) ?? []
    this.#behind.set(key, [...behind.filter(({ id }) => id !== pulled.id), pulled])
    return true
  }

  /** What those behind a settled message of their key may be lent now. */
  takeNext(max: number): Pulled[] {
    const fresh = this.#next.filter(({ untilMs, pulled }) => untilMs > performance.now() && !this.#held.has(pulled.id))
    this.#next = fresh.slice(max)
    return fresh.slice(0, max).map(({ pulled }) => pulled)
  }

  lend(pulled: Pulled, untilMs: number): Held {
    const failures = pulled.failures + (this.#failures.get(pulled.id) ?? 0)
    const attempt = Math.max(failures + 1, pulled.deliveryAttempt)
    const held = { pulled, token: `${stamp()}.${pulled.id}`, attempt, untilMs }
    this.#held.set(pulled.id, held)
    return held
  }

  find(token: string): Held | undefined {
    const held = this.#held.get(token.slice(token.indexOf('.') + 1))
    return held?.token === token && held.untilMs > performance.now() ? held : undefined
  }

  /** Proof of a message and of those behind it: they come and go together. */
  ackIdsOf({ ackId, key, id }: Pulled): string[] {
    const behind = key !== undefined && this.#first.get(key) === id ? (this.#behind.get(key) ?? []) : []
    return [ackId, ...behind.map((each) => each.ackId)]
  }

  /** It is done with. Answers whether the next of its key may be lent. */
  remove(held: Held): boolean {
    this.#failures.delete(held.pulled.id)
    const behind = this.#drop(held)
    const next = behind.shift()
    if (!next) return false
    const key = next.key!
    this.#first.set(key, next.id)
    this.#behind.set(key, behind)
    this.#next.push({ pulled: next, untilMs: held.untilMs })
    return true
  }

  /** It comes again as it is, and those behind it too. */
  release(held: Held): void {
    this.#drop(held)
  }

  /** The same, and this attempt counts. */
  fail(held: Held): void {
    const { id, failures } = held.pulled
    if (this.#failures.size >= maxRemembered) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(id, held.attempt - failures)
    this.#drop(held)
  }

  #drop({ pulled: { id, key } }: Held): Pulled[] {
    this.#held.delete(id)
    if (key === undefined || this.#first.get(key) !== id) return []
    const behind = this.#behind.get(key) ?? []
    this.#first.delete(key)
    this.#behind.delete(key)
    return behind
  }

  /** What was never settled here, because it went to others: its place is needed when there are very many. */
  #prune(): void {
    if (this.#held.size < maxRemembered) return
    const now = performance.now()
    for (const held of this.#held.values()) if (held.untilMs < now) this.#drop(held)
  }
}
