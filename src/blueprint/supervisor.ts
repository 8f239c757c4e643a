import type { ChildProcess } from 'node:child_process'
import { invalid } from '../errors.ts'
import { startChild, type ChildMessage, type ChildSpec } from './child.ts'

export type ChildState = 'starting' | 'ready' | 'backoff' | 'stopping' | 'stopped' | 'failed'

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

export interface SupervisorOptions {
  onLine(id: string, line: string): void
  onChange(state: ProcessState): void
  /** First wait before a restart; doubles up to `maxBackoffMs`. Default 100. */
  backoffMs?: number
  /** Default 10,000. */
  maxBackoffMs?: number
  /** A child that lived so long starts over with the first backoff. Default 10,000. */
  settledMs?: number
  /** From SIGTERM to SIGKILL. Default 20,000. */
  stopLimitMs?: number
}

/** Keeps a set of child processes running: restarts what ends, with backoff; stops in order, with a deadline. */
export class Supervisor implements AsyncDisposable {
  readonly #children = new Map<string, Child>()
  readonly #options: Required<SupervisorOptions>

  constructor(options: SupervisorOptions) {
    this.#options = { backoffMs: 100, maxBackoffMs: 10_000, settledMs: 10_000, stopLimitMs: 20_000, ...options }
  }

  /** Starts a child and keeps it running. @throws `invalid_argument` for an id that is taken */
  start(spec: ChildSpec): void {
    if (this.#children.has(spec.id)) throw invalid(`supervisor: a child '${spec.id}' is there already`)
    const child = new Child(spec, this.#options)
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

  /** Ends it in an orderly way and starts it again. */
  restart(id: string): Promise<void> {
    return this.#child(id).restart()
  }

  list(): ProcessState[] {
    return [...this.#children.values()].map((child) => ({ ...child.state }))
  }

  /** Stops all children at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((id) => this.stop(id)))
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
  #process: ChildProcess | undefined
  #exited = Promise.resolve()
  #failures = 0
  #startedAt = 0
  #retry: NodeJS.Timeout | undefined

  constructor(spec: ChildSpec, options: Required<SupervisorOptions>) {
    this.#spec = spec
    this.#options = options
    const { id, role, block } = spec
    this.state = {
      id,
      role,
      block,
      state: 'starting',
      pid: undefined,
      adminPort: undefined,
      addresses: {},
      instances: [],
      restarts: 0,
      lastError: undefined,
    }
  }

  start(): void {
    this.#startedAt = performance.now()
    let exited = () => {}
    this.#exited = new Promise((resolve) => (exited = resolve))
    const started = startChild(this.#spec, {
      onLine: (line) => this.#options.onLine(this.state.id, line),
      onMessage: (message) => this.#heard(message),
      onExit: (code, signal) => {
        exited()
        if (started === this.#process) this.#ended(code, signal)
      },
    })
    this.#process = started
    this.#change({ state: 'starting', pid: started.pid, adminPort: undefined, addresses: {}, instances: [] })
    if (started.pid === undefined) {
      exited()
      this.#ended(null, null)
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#retry)
    if (!this.#process) return this.#change({ state: 'stopped', pid: undefined })
    this.#change({ state: 'stopping' })
    // One that was paused would not hear of it.
    this.#process.kill('SIGCONT')
    this.#process.kill('SIGTERM')
    const kill = setTimeout(() => this.#process?.kill('SIGKILL'), this.#options.stopLimitMs)
    await this.#exited
    clearTimeout(kill)
  }

  async restart(): Promise<void> {
    await this.stop()
    this.#failures = 0
    this.state.restarts++
    this.start()
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  #heard(message: ChildMessage): void {
    if (message.type === 'ready') {
      const { adminPort, addresses, instances } = message
      return this.#change({ state: 'ready', adminPort, addresses, instances, lastError: undefined })
    }
    this.#change({ lastError: message.error, ...(message.final ? { state: 'failed' as const } : {}) })
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#process = undefined
    if (this.state.state === 'stopping') return this.#change({ state: 'stopped', pid: undefined })
    if (this.state.state === 'failed') return this.#change({ pid: undefined })
    this.#failures = performance.now() - this.#startedAt > this.#options.settledMs ? 1 : this.#failures + 1
    const waitMs = Math.min(this.#options.backoffMs * 2 ** (this.#failures - 1), this.#options.maxBackoffMs)
    const lastError = this.state.lastError ?? `ended with ${signal ?? `code ${code}`}`
    this.#change({ state: 'backoff', pid: undefined, lastError, restarts: this.state.restarts + 1 })
    this.#retry = setTimeout(() => this.start(), waitMs)
  }

  #change(to: Partial<ProcessState>): void {
    Object.assign(this.state, to)
    this.#options.onChange({ ...this.state })
  }
}
