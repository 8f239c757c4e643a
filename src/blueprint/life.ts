import type { ChildProcess } from 'node:child_process'
import { startChild, type ChildMessage, type ChildSpec } from './child.ts'

export type Ready = Extract<ChildMessage, { type: 'ready' }>

export interface LifeEvents {
  onLine(line: string): void
  onMessage(life: Life, message: ChildMessage): void
  onEnd(life: Life, how: string): void
}

/** One life of a child: from the start of its process to that process's end. */
export class Life {
  readonly exited: Promise<void>
  /** What it said when it was ready, or why it ended or will never be. */
  readonly outcome: Promise<Ready | { error: string }>
  readonly #process: ChildProcess
  #gone = false

  constructor(spec: ChildSpec, events: LifeEvents) {
    const exited = Promise.withResolvers<void>()
    const outcome = Promise.withResolvers<Ready | { error: string }>()
    const ended = (how: string) => {
      if (this.#gone) return
      this.#gone = true
      outcome.resolve({ error: how })
      exited.resolve()
      events.onEnd(this, how)
    }
    this.exited = exited.promise
    this.outcome = outcome.promise
    this.#process = startChild(spec, {
      onLine: events.onLine,
      onMessage: (message) => {
        outcome.resolve(message.type === 'ready' ? message : { error: message.error })
        events.onMessage(this, message)
      },
      onExit: (code, signal) => ended(`ended with ${signal ?? `code ${code}`}`),
    })
    if (this.pid === undefined) setImmediate(() => ended('could not be started'))
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Asks it to end, and insists after `limitMs`. */
  async end(limitMs: number): Promise<void> {
    this.signal('SIGTERM')
    this.signal('SIGCONT') // one that was paused would not hear of it
    const kill = setTimeout(() => this.signal('SIGKILL'), limitMs)
    await this.exited
    clearTimeout(kill)
  }
}
