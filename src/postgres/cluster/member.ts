import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ask, database, type Address } from './ask.ts'
import { readControl } from './control.ts'
import { fail } from './fail.ts'
import { environment, spawnError, type Installed } from './initdb.ts'
import { LogFile } from './logfile.ts'
import { give } from './owner.ts'
import { end, send, sweep } from './process.ts'
import { access, configuration, withoutOurs } from './settings.ts'
import { within } from './wait.ts'

export type Role = 'primary' | 'replica'

/** One Postgres of the cluster: its data folder and, while it runs, its process. */
export class Member {
  readonly name: string
  readonly data: string
  readonly log: LogFile
  role: Role = 'replica'
  port = 0
  lagSeconds = 0
  healthy = false
  /** Its data is no good as a replica's: a fresh copy of the primary is due. */
  mustClone = false
  /** Since when it has been up without streaming, by `performance.now()`. */
  silentSince: number | undefined
  /** Called when the process has ended, asked or not. */
  onExit: () => void = () => undefined
  onPid: (pid: number) => void = () => undefined
  readonly #installed: Installed
  readonly #password: string
  #child: ChildProcess | undefined
  #ready = false

  constructor(name: string, data: string, log: string, installed: Installed, password: string) {
    this.name = name
    this.data = data
    this.log = new LogFile(log)
    this.#installed = installed
    this.#password = password
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** It runs and accepts connections (for as long as nothing else is known). */
  get isUp(): boolean {
    return this.#ready && this.#child !== undefined
  }

  get address(): Address {
    return { port: this.port, password: this.#password }
  }

  /** Writes its configuration; a running one needs `reload` to see it. */
  async configure(settings: Record<string, string>, upstreamPort: number | undefined): Promise<void> {
    const upstream = upstreamPort === undefined ? undefined : { port: upstreamPort, password: this.#password }
    const { name, port, lagSeconds } = this
    await this.write('postgresql.conf', configuration({ name, port, settings, upstream, lagSeconds }))
    await this.write('pg_hba.conf', access)
    const auto = await readFile(path.join(this.data, 'postgresql.auto.conf'), 'utf8').catch(() => '')
    if (withoutOurs(auto) !== auto) await this.write('postgresql.auto.conf', withoutOurs(auto))
    if (this.role === 'replica') await this.write('standby.signal', '')
  }

  /** A file of the data folder, owned by the user that Postgres runs as. */
  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.data, name)
    await writeFile(file, text, { mode: 0o600 })
    await give(file, this.#installed.owner)
  }

  /**
   * Starts it and waits until it accepts connections and is proven to be ours.
   * @throws with what Postgres complained about
   */
  async start(timeoutMs: number): Promise<void> {
    await sweep(this.data)
    // Whoever it names is gone by now; after a reboot the same pid may be anyone, and Postgres would refuse to start.
    await rm(path.join(this.data, 'postmaster.pid'), { force: true })
    const child = this.#spawn()
    const gone = () => this.#child !== child
    const ready = await within(timeoutMs, async () => gone() || (await this.#saysReady(child.pid)))
    if (gone()) throw this.#startFailure()
    if (!ready) {
      await this.stop(5_000)
      throw fail('timeout', `${this.name} did not accept connections within ${timeoutMs} ms: ${this.log.problems()}`)
    }
    await this.#prove()
    this.#ready = true
  }

  #spawn(): ChildProcess {
    const log = this.log.open()
    const child = spawn(path.join(this.#installed.bin, 'postgres'), ['-D', this.data], {
      ...this.#installed.owner,
      cwd: this.data,
      env: environment,
      detached: true, // a session of its own: Ctrl-C in our terminal is not for it
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.unref()
    this.#child = child
    this.#ready = false
    this.#spawnFailure = undefined
    const ended = (error?: Error) => {
      if (error) this.#spawnFailure = spawnError(error, this.#installed.bin)
      if (this.#child !== child) return
      this.#child = undefined
      this.#ready = false
      this.onPid(0)
      this.onExit()
    }
    child.once('error', ended)
    child.once('exit', () => ended())
    if (child.pid !== undefined) this.onPid(child.pid)
    return child
  }

  #spawnFailure: Error | undefined

  #startFailure(): Error {
    if (this.#spawnFailure) return this.#spawnFailure
    const said = this.log.problems()
    const refused = /(unrecognized configuration parameter|invalid value for parameter|.*outside the valid range).*/
    const setting = refused.exec(this.log.tail())?.[0]
    if (setting !== undefined) return fail('invalid_argument', `settings: Postgres refuses one: ${setting}`)
    if (/No space left on device/.test(said))
      return fail('exhausted', `the disk that holds ${this.data} is full: free some space. ${said}`)
    return fail('unavailable', `${this.name} did not start: ${said}`)
  }

  /** The eighth line of postmaster.pid; cheaper than to connect again and again. */
  async #saysReady(pid: number | undefined): Promise<boolean> {
    const lines = (await readFile(path.join(this.data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
  }

  /** Whoever answers on the port must take our password and be the cluster of our data folder. */
  async #prove(): Promise<void> {
    const { systemIdentifier } = await readControl(this.data)
    const query = 'select system_identifier::text as id from pg_control_system()'
    const [answer] = await ask<{ id: string }>(this.address, query, [], 'postgres')
    if (answer?.id === systemIdentifier) return
    await this.stop(5_000)
    throw fail('conflict', `another Postgres answers on port ${this.port}: Address already in use`)
  }

  reload(): void {
    if (this.pid !== undefined) send(this.pid, 'SIGHUP')
  }

  /** Stops it: fast, after `timeoutMs` at once, after that by force. With 0 it is not asked to be orderly at all. */
  async stop(timeoutMs: number): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    this.#ready = false
    const gone = () => this.#child !== child
    const steps = [
      ['SIGINT', timeoutMs],
      ['SIGQUIT', 3_000],
      ['SIGKILL', 3_000],
    ] as const
    for (const [signal, waitMs] of timeoutMs === 0 ? steps.slice(1) : steps) {
      end(child.pid, signal)
      if (await within(waitMs, gone)) break
    }
    await sweep(this.data)
  }

  /** Makes the database that applications use, unless it is there. */
  async createDatabase(): Promise<void> {
    const [found] = await ask(this.address, 'select 1 from pg_database where datname = $1', [database], 'postgres')
    if (!found) await ask(this.address, `create database ${database}`, [], 'postgres')
  }
}
