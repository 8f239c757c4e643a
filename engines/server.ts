import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command, Engine, Place } from './engine.ts'
import { homeOf } from './cache.ts'
import { freePorts } from './ports.ts'
import { killGroup, markOf, signalGroup, stopGroup, until } from './process.ts'

const readyMs = 90_000
export const graceMs = 30_000
const tailChars = 3000

export const logOf = (folder: string): string => path.join(folder, 'server.log')

/**
 * A server process (with what it starts itself: it leads a process group) on a folder and ports of its own, which it
 * keeps when it is started again.
 */
export class Server {
  readonly engine: Engine
  readonly place: Place
  readonly #command: Command
  #child: ChildProcess | undefined

  constructor(engine: Engine, place: Place, command: Command) {
    this.engine = engine
    this.place = place
    this.#command = command
  }

  /** On free ports; not yet started. */
  static async in(folder: string, engine: Engine): Promise<Server> {
    mkdirSync(folder, { recursive: true })
    const place = { home: homeOf(engine), folder, ports: await freePorts(engine.ports) }
    return new Server(engine, place, await engine.command(place))
  }

  get url(): string {
    return this.engine.url(this.place.ports[0]!)
  }

  /** Of the leader, and of the group. @throws when it was not started */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.engine.name} was not started`)
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Starts the process; `ready` tells when it takes clients. */
  launch(): void {
    const log = openSync(logOf(this.place.folder), 'a')
    const { file, args, env } = this.#command
    try {
      this.#child = spawn(file, args, {
        cwd: this.place.folder,
        env: { ...process.env, ...env },
        stdio: ['ignore', log, log],
        detached: true,
      })
      this.#child.once('error', () => undefined) // `ready` finds that it does not run
      this.#child.unref()
    } finally {
      closeSync(log)
    }
  }

  /** @throws with the end of its log, when it ends instead or takes too long */
  async ready(): Promise<void> {
    const isReady = await until(
      async () => !this.isRunning || (await this.engine.isReady(this.place.ports[0]!)),
      readyMs,
    )
    if (isReady && this.isRunning) return
    const how = isReady ? 'ended instead of getting ready' : `is not ready after ${readyMs / 1000} s`
    if (this.#child?.pid !== undefined) await killGroup(this.pid)
    throw new Error(`${this.engine.title} ${how}; the end of ${logOf(this.place.folder)}:\n${this.#tail()}`)
  }

  async start(): Promise<void> {
    this.launch()
    await this.ready()
  }

  /** Ends it in an orderly way. */
  async stop(): Promise<void> {
    if (this.#child?.pid !== undefined) await stopGroup(this.pid, graceMs)
  }

  /** SIGKILL to it and all that it started; resolves when they are gone. */
  async kill(): Promise<void> {
    await killGroup(this.pid)
  }

  /** On the same folder and ports; ends it first (in an orderly way) if it runs. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Stops its time: connections stay open, nothing answers. */
  pause(): void {
    signalGroup(this.pid, 'SIGSTOP')
  }

  resume(): void {
    signalGroup(this.pid, 'SIGCONT')
  }

  get mark(): string {
    return markOf(this.pid) ?? ''
  }

  #tail(): string {
    const log = logOf(this.place.folder)
    return existsSync(log) ? readFileSync(log, 'utf8').slice(-tailChars).trim() : '(there is none)'
  }
}
