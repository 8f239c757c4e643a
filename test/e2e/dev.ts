import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../src/conformance.ts'
import type { Status } from '../../src/cli/status-file.ts'

// The real command line in a folder of a test's own.

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const main = path.join(repository, 'src/cli/main.ts')
const readyMs = 60_000
const endMs = 40_000

export type Environment = Record<string, string | undefined>

export interface RunOptions {
  env?: Environment
  /** What runs the command instead of this Node: `['setpriv', '--reuid', …]` comes before it. */
  before?: string[]
}

/** One run of `ashlar …`. */
export class Run implements AsyncDisposable {
  readonly process: ChildProcess
  readonly folder: string
  output = ''
  /** Exit code, or the signal's name; `undefined` while it runs. */
  ended: number | string | undefined

  constructor(folder: string, args: string[], { env = {}, before = [] }: RunOptions = {}) {
    this.folder = folder
    const [command, ...rest] = [...before, process.execPath, '--conditions=source', main, ...args]
    const cache = path.join(repository, 'node_modules/.cache/e2e-compile')
    this.process = spawn(command!, rest, {
      cwd: folder,
      env: { ...clean(process.env), NODE_COMPILE_CACHE: cache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.process.stdout!, this.process.stderr!])
      stream.on('data', (data: Buffer) => (this.output += String(data)))
    this.process.once('close', (code, signal) => (this.ended = signal ?? code ?? -1))
  }

  get pid(): number {
    return this.process.pid!
  }

  get status(): Status | undefined {
    const file = path.join(this.folder, '.ashlar/status.json')
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Status) : undefined
  }

  get url(): string {
    return this.status!.addresses.edge!
  }

  pidsOf(role: string): number[] {
    return this.status!.processes.filter((each) => each.role === role).map(({ pid }) => pid)
  }

  /** Until the welcome: everything has said that it is ready. */
  async ready(): Promise<this> {
    await this.#until('it is ready', () => this.output.includes('is running:') && this.status !== undefined, readyMs)
    return this
  }

  async says(what: RegExp, limitMs = readyMs): Promise<void> {
    await this.#until(`it says ${what}`, () => what.test(this.output), limitMs)
  }

  /** Waits for its end and answers how it ended. */
  async end(): Promise<number | string> {
    await until(`ended; it said:\n${this.output}`, () => this.ended !== undefined, endMs)
    return this.ended!
  }

  /** To it alone, or to its whole process group. */
  signal(signal: NodeJS.Signals, group = false): void {
    process.kill(group ? -this.pid : this.pid, signal)
  }

  async #until(what: string, holds: () => boolean, limitMs: number): Promise<void> {
    await until(what, () => holds() || this.ended !== undefined, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${this.output}`)
    })
    if (!holds()) throw new Error(`ended (${this.ended}) before ${what}:\n${this.output}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended !== undefined) return
    this.signal('SIGTERM')
    await this.end().catch(() => this.signal('SIGKILL', true))
  }
}

/** What would lead the run elsewhere than the test wants. */
function clean(env: NodeJS.ProcessEnv): Environment {
  const { DATABASE_URL: _url, ASHLAR_LAUNCHER: _launcher, NODE_TEST_CONTEXT: _test, SMTP_URL: _smtp, ...rest } = env
  return rest
}

/** `ashlar …` to its end. */
export async function ashlar(folder: string, args: string[], options?: RunOptions) {
  await using run = new Run(folder, args, options)
  const code = await run.end()
  return { code, output: run.output }
}
