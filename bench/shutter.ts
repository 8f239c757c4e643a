import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Snapshot } from '../src/console/snapshot.ts'
import type { Status } from '../src/cli/status-file.ts'
import { treeOf } from './processes.ts'
import { until } from './until.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))
const startLimitMs = 60_000
const stopLimitMs = 40_000
const keptLines = 40

/** A folder for the service's state. Others may enter it: where root runs this, PostgreSQL runs as another user. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-bench-'))
  await chmod(folder, 0o755)
  return folder
}

/** How to start it: the command a user would type, with the launcher in front. */
export interface How {
  folder: string
  command?: readonly string[]
}

const ashlar = [
  process.execPath,
  `${root}scripts/run.mjs`,
  'ashlar',
  'dev',
  '--blueprint',
  `${root}examples/photos/blueprint.ts`,
  '--no-watch',
]

/** The photos example, run by the real command line in a folder of its own. */
export class Shutter implements AsyncDisposable {
  readonly folder: string
  /** From the command until the edge answered 200 for the first time. */
  startMs = 0
  #edge = ''
  readonly #process: ChildProcess
  readonly #exited: Promise<void>
  readonly #lines: string[] = []

  /** Resolves with the first answer at the edge. Begins again when another service took the edge's port meanwhile. */
  static async start(how: How): Promise<Shutter> {
    for (let tries = 1; ; tries++) {
      try {
        return await Shutter.#start(how)
      } catch (error) {
        if (tries === 3 || !String(error).includes('EADDRINUSE')) throw error
        console.log('the port was taken by another service: starting again')
      }
    }
  }

  static async #start(how: How): Promise<Shutter> {
    const shutter = new Shutter(how)
    try {
      await shutter.#answers()
      return shutter
    } catch (error) {
      await shutter[Symbol.asyncDispose]()
      throw new Error(`the service did not start; it said:\n${shutter.#lines.join('\n')}`, { cause: error })
    }
  }

  private constructor({ folder, command = ashlar }: How) {
    this.folder = folder
    // Neither the database nor the ports of whoever runs this, and no test's settings.
    const {
      DATABASE_URL: _url,
      SMTP_URL: _smtp,
      NODE_OPTIONS: _options,
      ASHLAR_LAUNCHER: _launcher,
      ...env
    } = process.env
    this.#process = spawn(command[0]!, command.slice(1), { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exited = new Promise((resolve) => this.#process.once('close', () => resolve()))
    for (const output of [this.#process.stdout!, this.#process.stderr!])
      createInterface({ input: output }).on('line', (line) => this.#read(line))
  }

  #read(line: string): void {
    if (this.#lines.push(line) > keptLines) this.#lines.shift()
    const found = /^front-1 .*"front":"(http:[^"]+)"/.exec(line)
    if (found) this.#edge = found[1]!
  }

  async #answers(): Promise<void> {
    const began = performance.now()
    await until(
      'the first answer at the edge',
      startLimitMs,
      async () => {
        if (this.#process.exitCode !== null) throw new Error(`it ended with code ${this.#process.exitCode}`)
        if (this.#lines.some((line) => line.includes('EADDRINUSE'))) throw new Error('its port is taken')
        if (this.#edge === '') return false
        const answer = await fetch(this.#edge).catch(() => undefined)
        await answer?.body?.cancel()
        return answer?.status === 200
      },
      5,
    )
    this.startMs = performance.now() - began
  }

  /** Address of the edge. */
  get edge(): string {
    return this.#edge
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** The last lines that it printed. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** What `.ashlar/status.json` says, once all is up, replicas too. */
  async status(): Promise<Status> {
    return until('status.json', startLimitMs, async () => {
      const text = await readFile(path.join(this.folder, '.ashlar/status.json'), 'utf8').catch(() => undefined)
      return text === undefined ? undefined : (JSON.parse(text) as Status)
    })
  }

  async state(): Promise<Snapshot> {
    const { addresses } = await this.status()
    return (await (await fetch(`${addresses.console}/state.json`)).json()) as Snapshot
  }

  /** A button of the console. */
  async act(name: string, wanted: object): Promise<void> {
    const { addresses } = await this.status()
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${addresses.console}/actions/${name}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(wanted),
    })
    if (!answer.ok) throw new Error(`action ${name}: ${answer.status} ${await answer.text()}`)
    await answer.body?.cancel()
  }

  processes(): Promise<number[]> {
    return treeOf(this.pid)
  }

  /** Everything at once by SIGKILL: launcher, parent, roles, database servers with their backends, tether. */
  async killAll(): Promise<number> {
    const pids = await this.processes()
    for (const pid of pids) kill(pid)
    await this.#exited
    return pids.length
  }

  /** In order, as Ctrl-C does; by force when that takes too long. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const pids = await this.processes()
    this.#process.kill('SIGTERM')
    const late = setTimeout(() => pids.forEach(kill), stopLimitMs)
    await this.#exited
    clearTimeout(late)
  }
}

/** SIGKILL, to a process that may have gone already. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it was faster
  }
}

/** A start in a new folder that vanishes at the end. */
export async function inNewFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await makeFolder()
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
