import { fork, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

// Many small processes on one machine: V8's usual room for young objects (3 x 16 MB each) would be most of their memory.
const smallHeap = '--max-semi-space-size=4'

/** How to start one role process. */
export interface ChildSpec {
  /** Unique among the children: 'web-1'. */
  id: string
  role: string
  /** Name of the block it runs, for the console. */
  block: string
  module: string
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** From SIGTERM to SIGKILL. Default: the supervisor's. */
  stopLimitMs?: number
}

/** What a child says of itself through its IPC channel. */
export type ChildMessage =
  | { type: 'ready'; adminPort: number; addresses: Record<string, string>; instances: string[] }
  | { type: 'failed'; error: string; final: boolean }

export interface ChildEvents {
  onLine(line: string): void
  onMessage(message: ChildMessage): void
  onExit(code: number | null, signal: NodeJS.Signals | null): void
}

/**
 * Starts a child whose life hangs on ours: when this process ends, however it ends, the IPC channel closes and the child
 * stops by itself. Its output comes line by line.
 */
export function startChild(spec: ChildSpec, events: ChildEvents): ChildProcess {
  const child = fork(spec.module, [...spec.args], {
    env: { ...spec.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    execArgv: [...process.execArgv, smallHeap],
  })
  for (const output of [child.stdout, child.stderr]) if (output) lines(output, events.onLine)
  child.on('message', (message) => events.onMessage(message as ChildMessage))
  child.on('error', (error) => events.onLine(`cannot start: ${error.message}`))
  child.once('exit', events.onExit)
  return child
}

function lines(output: Readable, onLine: (line: string) => void): void {
  const reader = createInterface({ input: output, crlfDelay: Infinity })
  reader.on('line', onLine)
}
