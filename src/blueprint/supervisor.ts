import { orAfter } from '../deadline.ts'
import { invalid } from '../errors.ts'
import type { ChildMessage, ChildSpec } from './child.ts'
import { Life, type LifeEvents, type Ready } from './life.ts'
import { RoleTether } from './tether.ts'

/** Where a child is: `backoff` waits to be started again, `failed` never will be. */
export type ChildState = 'starting' | 'ready' | 'paused' | 'backoff' | 'stopping' | 'stopped' | 'failed'

/** What is known of one child. */
export interface ProcessState {
  id: string
  role: string
  block: string
  state: ChildState
  pid: number | undefined
  adminPort: number | undefined
  addresses: Record<string, string>
  /** Ids under which its apps are known to discovery. */
  instances: string[]
  restarts: number
  lastError: string | undefined
}

/** Who is told, and the waits between lives, all in milliseconds. */
export interface SupervisorOptions {
  onLine(id: string, line: string): void
  onChange(state: ProcessState): void
  /** First wait before a restart; doubles up to `maxBackoffMs`. Default 100. */
  backoffMs?: number
  /** Default 10,000. */
  maxBackoffMs?: number
  /** A child that lived so long starts over with the first backoff. Default 10,000. */
  settledMs?: number
  /** From SIGTERM to SIGKILL, unless the child's own spec says otherwise. Default 20,000. */
  stopLimitMs?: number
  /** How long a successor may take to be ready. Default 40,000. */
  readyLimitMs?: number
}

/** What is known of a process that is not there yet. */
const fresh: Pick<ProcessState, 'pid' | 'adminPort' | 'addresses' | 'instances'> = {
  pid: undefined,
  adminPort: undefined,
  addresses: {},
  instances: [],
}
const usual = { backoffMs: 100, maxBackoffMs: 10_000, settledMs: 10_000, stopLimitMs: 20_000, readyLimitMs: 40_000 }

/** Keeps a set of child processes running: restarts what ends, with backoff; stops in order, with a deadline. */
export class Supervisor implements AsyncDisposable {
  readonly #children = new Map<string, Child>()
  readonly #options: Required<SupervisorOptions>
  readonly #tether = new RoleTether()

  constructor(options: SupervisorOptions) {
    this.#options = { ...usual, ...options }
  }

  /** Starts a child and keeps it running. @throws `invalid_argument` for an id that is taken */
  start(spec: ChildSpec): void {
    if (this.#children.has(spec.id)) throw invalid(`supervisor: a child '${spec.id}' is there already`)
    const child = new Child(spec, this.#options, this.#tether)
    this.#children.set(spec.id, child)
    child.start()
  }

  /** Ends a child in an orderly way and forgets it. */
  async stop(id: string): Promise<void> {
    const child = this.#child(id)
    await child.stop()
    this.#children.delete(id)
  }

  /** Sends a signal, as an accident would; the child is restarted when it ends. */
  signal(id: string, signal: NodeJS.Signals): void {
    this.#child(id).signal(signal)
  }

  /**
   * Puts a new process in the place of a child's present one, which ends once the new one is ready. When that cannot get
   * ready, the present one stays and `lastError` tells why. One that is not ready itself is just started again.
   * @returns whether the new one is in place
   */
  replace(id: string): Promise<boolean> {
    return this.#child(id).replace()
  }

  /** The same for one that must end before its successor can begin: both would want the same port. */
  restart(id: string): Promise<boolean> {
    return this.#child(id).restart()
  }

  list(): ProcessState[] {
    return [...this.#children.values()].map((child) => ({ ...child.state }))
  }

  /** Stops all children at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((id) => this.stop(id)))
    this.#tether.cut()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #child(id: string): Child {
    const child = this.#children.get(id)
    if (child) return child
    throw invalid(`supervisor: no child '${id}'; there are ${[...this.#children.keys()].join(', ') || 'none'}`)
  }
}

class Child {
  readonly state: ProcessState
  readonly #spec: ChildSpec
  readonly #options: Required<SupervisorOptions>
  readonly #tether: RoleTether
  readonly #lives = new Set<Life>()
  /** The one that counts; another may be on its way in or out. */
  #current: Life | undefined
  #stopping = false
  #failures = 0
  #startedAt = 0
  #retry: NodeJS.Timeout | undefined

  constructor(spec: ChildSpec, options: Required<SupervisorOptions>, tether: RoleTether) {
    this.#spec = spec
    this.#options = options
    this.#tether = tether
    const { id, role, block } = spec
    this.state = { id, role, block, ...fresh, state: 'starting', restarts: 0, lastError: undefined }
  }

  start(): void {
    this.#current = this.#launch()
    this.#change({ ...fresh, state: 'starting', pid: this.#current.pid })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#retry)
    this.#change({ state: 'stopping' })
    await Promise.all([...this.#lives].map((life) => this.#end(life)))
    this.#change({ ...fresh, state: 'stopped' })
  }

  async restart(): Promise<boolean> {
    clearTimeout(this.#retry)
    const before = this.#current
    this.#current = undefined
    this.#failures = 0
    this.#change({ ...fresh, state: 'starting', restarts: this.state.restarts + 1 })
    if (before) await this.#end(before)
    if (this.#stopping) return false
    this.start()
    return this.#gotReady(this.#current!)
  }

  async replace(): Promise<boolean> {
    if (this.state.state !== 'ready') return this.restart()
    const next = this.#launch()
    const outcome = await this.#outcomeOf(next)
    if (this.#stopping || 'error' in outcome) {
      if ('error' in outcome) this.#change({ lastError: outcome.error })
      await this.#end(next)
      return false
    }
    clearTimeout(this.#retry)
    const before = this.#current
    this.#current = next
    this.#failures = 0
    this.#change({ pid: next.pid, restarts: this.state.restarts + 1 })
    this.#ready(outcome)
    if (before) await this.#end(before)
    return true
  }

  signal(signal: NodeJS.Signals): void {
    this.#current?.signal(signal)
    if (signal === 'SIGSTOP' && this.state.state === 'ready') this.#change({ state: 'paused' })
    if (signal === 'SIGCONT' && this.state.state === 'paused') this.#change({ state: 'ready' })
  }

  #launch(): Life {
    this.#startedAt = performance.now()
    const events: LifeEvents = {
      onLine: (line) => this.#options.onLine(this.state.id, line),
      onMessage: (life, message) => this.#heard(life, message),
      onEnd: (life, how) => this.#ended(life, how),
    }
    const life = new Life(this.#spec, events)
    this.#lives.add(life)
    if (life.pid !== undefined) this.#tether.hold(life.pid)
    return life
  }

  #end(life: Life): Promise<void> {
    return life.end(this.#spec.stopLimitMs ?? this.#options.stopLimitMs)
  }

  async #outcomeOf(life: Life): Promise<Ready | { error: string }> {
    const { readyLimitMs } = this.#options
    return orAfter(life.outcome, readyLimitMs, () => ({ error: `was not ready within ${readyLimitMs} ms` }))
  }

  async #gotReady(life: Life): Promise<boolean> {
    return !('error' in (await this.#outcomeOf(life)))
  }

  #heard(life: Life, message: ChildMessage): void {
    if (life !== this.#current || this.#stopping) return
    if (message.type === 'ready') return this.#ready(message)
    this.#change({ lastError: message.error, ...(message.final ? { state: 'failed' as const } : {}) })
  }

  #ready({ adminPort, addresses, instances }: Ready): void {
    this.#change({ state: 'ready', adminPort, addresses, instances, lastError: undefined })
  }

  #ended(life: Life, how: string): void {
    this.#lives.delete(life)
    if (life.pid !== undefined) this.#tether.release(life.pid)
    if (life !== this.#current) return
    this.#current = undefined
    if (this.#stopping) return
    if (this.state.state === 'failed') return this.#change({ pid: undefined })
    this.#failures = performance.now() - this.#startedAt > this.#options.settledMs ? 1 : this.#failures + 1
    const waitMs = Math.min(this.#options.backoffMs * 2 ** (this.#failures - 1), this.#options.maxBackoffMs)
    const lastError = this.state.lastError ?? how
    this.#change({ ...fresh, state: 'backoff', lastError, restarts: this.state.restarts + 1 })
    this.#retry = setTimeout(() => this.start(), waitMs)
  }

  #change(to: Partial<ProcessState>): void {
    Object.assign(this.state, to)
    this.#options.onChange({ ...this.state })
  }
}
