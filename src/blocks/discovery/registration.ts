import { describe } from '../../errors.ts'
import type { Log } from '../../block.ts'
import { settledWithin } from '../../deadline.ts'
import type { Instance } from './driver.ts'

/** A registration that renews itself, and registers again when the registry has forgotten it. */
export interface Registration extends AsyncDisposable {
  readonly instance: Instance
  /** Takes the instance off the list. */
  end(): Promise<void>
}

/** What a registration asks of the registry; errors are wrapped and each call is bounded by the caller. */
export interface Registrar {
  readonly block: string
  readonly leaseMs: number
  readonly log: Log
  register(instance: Instance): Promise<void>
  renew(id: string): Promise<boolean>
  deregister(id: string): Promise<void>
  /** Told when the registry had forgotten the instance and it was registered again. */
  onReregistered(): void
}

/** Longer than one call of the registry can take; an attempt makes no second one once we are leaving. */
const attemptMs = 6_000

/**
 * Keeps one instance listed. One timer at a time, set anew after each attempt, so that a process that was stopped and
 * goes on, or a slow registry, never ends up with two heartbeats.
 */
export class LeasedRegistration implements Registration {
  readonly instance: Instance
  readonly #of: Registrar
  readonly #onEnd: () => void
  #timer: NodeJS.Timeout | undefined
  #attempt: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #away = false

  constructor(instance: Instance, of: Registrar, onEnd: () => void) {
    this.instance = instance
    this.#of = of
    this.#onEnd = onEnd
    this.#renewLater()
  }

  #renewLater(): void {
    if (this.#ending) return
    this.#timer = setTimeout(() => void this.#renew(), this.#of.leaseMs / 3).unref()
  }

  async #renew(): Promise<void> {
    this.#attempt = this.#renewOnce()
    try {
      await this.#attempt
      this.#note(false)
    } catch (error) {
      this.#note(true, error)
    }
    this.#attempt = undefined
    this.#renewLater()
  }

  async #renewOnce(): Promise<void> {
    if (await this.#of.renew(this.instance.id)) return
    if (this.#ending) return
    await this.#of.register(this.instance)
    this.#of.onReregistered()
    this.#of.log.info({ block: this.#of.block, instance: this.instance.id }, 'the lease was lost: registered again')
  }

  /** Logs when the registry goes away and when it is back, not at each attempt. */
  #note(away: boolean, error?: unknown): void {
    if (away === this.#away) return
    this.#away = away
    const fields = { block: this.#of.block, instance: this.instance.id, error: describe(error ?? '') }
    if (away) this.#of.log.warn(fields, 'cannot renew the lease; trying on')
    else this.#of.log.info({ block: fields.block, instance: fields.instance }, 'renewing the lease again')
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer)
    this.#onEnd()
    // An attempt under way could register again after we have left: it goes first.
    const attempt = this.#attempt
    if (attempt) await settledWithin(attempt, attemptMs)
    await this.#of.deregister(this.instance.id)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
