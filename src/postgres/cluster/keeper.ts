import { describe } from '../../errors.ts'
import type { Member } from './member.ts'

const firstPauseMs = 100
const longestPauseMs = 10_000
const stopMs = 10_000

/** What a keeper needs of the cluster. */
export interface Charge {
  /** Prepares the data folder and starts the member; rejects when that fails. */
  bringUp(member: Member, signal: AbortSignal): Promise<void>
  /** The member came up, went down or failed to start. */
  changed(member: Member): void
  log(level: 'info' | 'warn' | 'error', member: string, text: string): void
}

/** Keeps one member running: when it ends unasked it is started again, with growing pauses. */
export class Keeper {
  readonly #member: Member
  readonly #charge: Charge
  #loop: Promise<void> | undefined
  #hold = new AbortController()
  #ended: () => void = () => undefined
  #failures = 0

  constructor(member: Member, charge: Charge) {
    this.#member = member
    this.#charge = charge
    member.onExit = () => this.#ended()
  }

  /** Starts the member now, or throws; from then on it is kept running. */
  async begin(): Promise<void> {
    this.#hold = new AbortController()
    await this.#charge.bringUp(this.#member, this.#hold.signal)
    this.#charge.changed(this.#member)
    this.#loop = this.#keep(true)
  }

  /** Keeps the member running from now on; returns at once. */
  release(): void {
    if (this.#loop) return
    this.#hold = new AbortController()
    this.#failures = 0
    this.#loop = this.#keep(false)
  }

  /** Stops the member and leaves it down until `release`. */
  async hold(timeoutMs = stopMs): Promise<void> {
    this.#hold.abort()
    await this.#member.stop(timeoutMs)
    await this.#loop
    this.#loop = undefined
    this.#charge.changed(this.#member)
  }

  async #keep(up: boolean): Promise<void> {
    const { signal } = this.#hold
    while (!signal.aborted) {
      if (up || (await this.#tryUp(signal))) await this.#untilEnd(signal)
      up = false
      if (!signal.aborted) await pause(Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs), signal)
    }
    await this.#member.stop(stopMs)
  }

  async #tryUp(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#charge.bringUp(this.#member, signal)
      this.#charge.changed(this.#member)
      return true
    } catch (error) {
      if (signal.aborted) return false
      this.#failures++
      this.#charge.log('error', this.#member.name, describe(error))
      // A replica is a copy: when it cannot start, another copy is the cure.
      if (this.#member.role === 'replica' && this.#failures % 3 === 0) this.#member.mustClone = true
      this.#charge.changed(this.#member)
      return false
    }
  }

  async #untilEnd(signal: AbortSignal): Promise<void> {
    const began = performance.now()
    if (signal.aborted) return // held while it started: `hold` has found nothing to stop
    if (this.#member.pid !== undefined) await new Promise<void>((resolve) => (this.#ended = resolve))
    if (signal.aborted) return
    this.#failures = performance.now() - began > longestPauseMs ? 0 : this.#failures + 1
    if (!this.#member.mustClone)
      this.#charge.log('warn', this.#member.name, `ended unasked, starting it again: ${this.#member.log.problems()}`)
    this.#charge.changed(this.#member)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    timer.unref()
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
