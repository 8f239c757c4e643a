import type { Log } from '../block.ts'
import { settledWithin } from '../deadline.ts'
import { describe } from '../errors.ts'
import { count } from '../telemetry.ts'
import { Lines } from './lines.ts'
import type { LeaseSource, Lent, Settlement } from './lease.ts'
import { GiveUp, pause, retryDelayMs, type Backoff } from './retry.ts'
import { Running } from './running.ts'

/** What handles messages until it is closed. */
export interface Consumer extends AsyncDisposable {
  /** False while paused, and after `close`. */
  readonly running: boolean
  /** Takes no more; running handlers go on. */
  pause(): void
  resume(): void
  /** Takes no more, lets running handlers end until the drain deadline, then gives the rest back at once. */
  close(): Promise<void>
}

export interface ConsumerSetup<L extends Lent> extends Backoff {
  source: LeaseSource<L>
  /** Runs the user's handler; whatever it throws is a failed attempt, `GiveUp` the last one. */
  handle(lent: L, signal: AbortSignal): Promise<void>
  attempts: number
  leaseMs: number
  concurrency: number
  drainMs: number
  /** For counters: `ashlar_<kind>_handled_total{block}`. */
  kind: string
  block: string
  log: Log
  onClose?: () => void
}

/** One long poll: only how often an idle consumer asks again. */
const waitMs = 20_000
/** How long `close` waits, beyond the drain, for the engine to answer. */
const lastWordMs = 1_000
const longestPauseMs = 5_000
const settleTries = 10

/** Takes messages as fast as handlers are free, renews their leases meanwhile, and settles each by its handler's end. */
export class LeaseConsumer<L extends Lent> implements Consumer {
  readonly #setup: ConsumerSetup<L>
  readonly #jobs = new Set<Running<L>>()
  readonly #settlements: Lines<Settlement, boolean>
  readonly #renewal: NodeJS.Timeout
  readonly #loop: Promise<void>
  #paused = false
  #closed = false
  #closing: Promise<void> | undefined
  #receiving = new AbortController()
  #changed: (() => void) | undefined
  #extending = false

  constructor(setup: ConsumerSetup<L>) {
    this.#setup = setup
    this.#settlements = new Lines((items) => setup.source.settle(items), { maxWaiting: 10_000 })
    this.#renewal = setInterval(() => this.#renew(), Math.max(100, setup.leaseMs / 4))
    this.#loop = this.#run()
  }

  get running(): boolean {
    return !this.#paused && !this.#closed
  }

  pause(): void {
    this.#paused = true
    this.#receiving.abort()
  }

  resume(): void {
    this.#paused = false
    this.#changed?.()
  }

  /** Looks now, not at the next turn, which leases still hold. */
  async renew(): Promise<void> {
    if (!this.#extending) await this.#extend()
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closed) {
      if (this.#paused || this.#free() === 0) {
        await new Promise<void>((resolve) => (this.#changed = resolve))
        continue
      }
      this.#receiving = new AbortController()
      try {
        await this.#take(this.#receiving.signal)
        failures = 0
      } catch (error) {
        await this.#troubled(error, failures++)
      }
    }
  }

  #free(): number {
    return this.#setup.concurrency - this.#jobs.size
  }

  async #take(signal: AbortSignal): Promise<void> {
    const { source, leaseMs } = this.#setup
    const lent = await source.receive({ max: this.#free(), leaseMs, waitMs, signal })
    const isWanted = this.running
    for (const each of lent) {
      const job = new Running(each, performance.now() + leaseMs)
      this.#jobs.add(job)
      void this.#finish(job, isWanted ? this.#attempt(job) : Promise.resolve({ token: each.token, outcome: 'release' }))
    }
  }

  async #troubled(error: unknown, failures: number): Promise<void> {
    const { kind, block, log } = this.#setup
    if (failures === 0)
      log.warn({ block, error: describe(error) }, `${kind}: cannot receive; trying again until it works`)
    count(`ashlar_${kind}_receive_errors_total`, 'Failed attempts to receive', { block })
    const ms = Math.min(longestPauseMs, 100 * 2 ** failures) * (0.5 + Math.random() / 2)
    await pause(ms, this.#receiving.signal)
  }

  async #finish(job: Running<L>, ending: Promise<Settlement>): Promise<void> {
    const settlement = await ending
    if (!job.givenBack) {
      const outcome = (await this.#settle(job, settlement)) ? settlement.outcome : 'lost'
      const { kind, block } = this.#setup
      count(`ashlar_${kind}_handled_total`, 'Handled messages by outcome', { block, outcome })
    }
    this.#jobs.delete(job)
    job.ended()
    this.#changed?.()
  }

  /** Runs the handler and says what becomes of the message. Never throws. */
  async #attempt(job: Running<L>): Promise<Settlement> {
    const { attempts } = this.#setup
    const { token, attempt } = job.lent
    if (attempt > attempts)
      return { token, outcome: 'dead', error: `lent ${attempt - 1} times; the last worker died or was too late` }
    try {
      await this.#setup.handle(job.lent, job.signal)
      return { token, outcome: 'done' }
    } catch (thrown) {
      const error = describe(thrown, 2_000)
      if (thrown instanceof GiveUp || attempt >= attempts) return { token, outcome: 'dead', error }
      return { token, outcome: 'retry', delayMs: retryDelayMs(attempt, this.#setup), error }
    }
  }

  /** Tries again while the lease lasts; if it never works the message comes again by itself. */
  async #settle(job: Running<L>, settlement: Settlement): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#settlements.add(settlement)
      } catch (error) {
        const isLast = tries >= settleTries || job.signal.aborted || job.givenBack
        const { kind, block, log } = this.#setup
        if (tries === 0 || isLast)
          log.warn({ block, id: job.lent.id, error: describe(error) }, `${kind}: cannot settle a message`)
        if (isLast) return false
        await pause(Math.min(longestPauseMs, 50 * 2 ** tries), job.signal)
      }
    }
  }

  /** Prolongs the leases of running handlers, and gives up those that could end before the next turn. */
  #renew(): void {
    const nextMs = performance.now() + this.#setup.leaseMs / 4
    for (const job of this.#jobs) if (job.heldUntilMs <= nextMs) job.lose()
    if (!this.#extending) void this.#extend()
  }

  async #extend(): Promise<void> {
    const { source, leaseMs, kind, block, log } = this.#setup
    const jobs = [...this.#jobs].filter((job) => !job.signal.aborted)
    if (jobs.length === 0) return
    this.#extending = true
    const askedMs = performance.now()
    try {
      const held = await source.extend(
        jobs.map(({ lent }) => lent.token),
        leaseMs,
      )
      jobs.forEach((job, i) => (held[i] ? job.holdUntil(askedMs + leaseMs) : job.lose()))
    } catch (error) {
      log.warn({ block, error: describe(error) }, `${kind}: cannot renew ${jobs.length} leases`)
    } finally {
      this.#extending = false
    }
  }

  async #shutDown(): Promise<void> {
    this.#closed = true
    this.#receiving.abort()
    this.#changed?.()
    await settledWithin(this.#loop, lastWordMs)
    await settledWithin(Promise.all([...this.#jobs].map(({ whenEnded }) => whenEnded)), this.#setup.drainMs)
    clearInterval(this.#renewal)
    await settledWithin(this.#giveBack(), lastWordMs)
    await settledWithin(this.#settlements.idle(), lastWordMs)
    this.#setup.onClose?.()
  }

  async #giveBack(): Promise<void> {
    const left = [...this.#jobs]
    if (left.length === 0) return
    for (const job of left) job.giveBack()
    await this.#setup.source.settle(left.map(({ lent }) => ({ token: lent.token, outcome: 'release' })))
  }
}
