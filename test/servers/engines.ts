import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { homeOf } from '../../engines/cache.ts'
import { engineNames, type EngineName } from '../../engines/engine.ts'
import { engines } from '../../engines/index.ts'
import { Server } from '../../engines/server.ts'
import { readState } from '../../engines/state.ts'
import { isWell } from '../../engines/up.ts'
import { Tether } from '../../src/tether.ts'

/*
 * Real servers for tests. Shared ones, which `npm run engines -- up` left running or `ASHLAR_TEST_<NAME>_URL` names: each
 * test uses names of its own in them. And own ones, that a test may kill. With ASHLAR_ENGINES=required a missing one fails.
 */

const variableOf = (name: EngineName) => `ASHLAR_TEST_${name.toUpperCase()}_URL`

/** The shared server: the one that the environment names, else the one that runs by `npm run engines`, if it answers. */
export async function engineUrl(name: EngineName): Promise<string | undefined> {
  const given = process.env[variableOf(name)]
  if (given) return given
  const [engine, standing] = [engines[name], readState()[name]]
  return engine && standing && (await isWell(engine, standing)) ? standing.url : undefined
}

/** How to get it, on one line. */
export function whyMissing(name: EngineName): string {
  return `${name} does not run: npm run engines -- up ${name} (or set ${variableOf(name)})`
}

/** `skip` fits the option of a test: `const { url, skip } = await engineFor('kafka'); test('…', { skip }, …)`. */
export type SharedEngine = { url: string; skip: false } | { url: undefined; skip: string }

/** The shared server, or why it must be skipped. @throws instead of skipping, when ASHLAR_ENGINES=required */
export async function engineFor(name: EngineName): Promise<SharedEngine> {
  const url = await engineUrl(name)
  return url === undefined ? { url, skip: orFail(whyMissing(name)) } : { url, skip: false }
}

/** The same for tests that start their own: whether it is installed. @throws when it is not and ASHLAR_ENGINES=required */
export function ownEngineFor(name: EngineName): { skip: string | false } {
  const engine = engines[name]
  if (engine?.isInstalled(homeOf(engine))) return { skip: false }
  return { skip: orFail(`${name} is not installed: npm run engines -- up ${name}`) }
}

function orFail(why: string): string {
  if (process.env['ASHLAR_ENGINES'] === 'required') throw new Error(`${why}; ASHLAR_ENGINES=required`)
  return why
}

/** The servers that tests will not find, and why. */
export async function missingEngines(): Promise<string[]> {
  const urls = await Promise.all(engineNames.map((name) => engineUrl(name)))
  return engineNames.filter((_, index) => urls[index] === undefined).map((name) => whyMissing(name))
}

/** A server of a test's own, on an empty folder and free ports that it keeps; gone at the end of its scope. */
export interface OwnEngine extends AsyncDisposable {
  readonly url: string
  /** Of the server process; other after a restart. */
  readonly pid: number
  /** Ends it in an orderly way. */
  stop(): Promise<void>
  /** SIGKILL to the server; resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on what it has on disk, on the same URL; ends it first if it runs. Resolves when it is ready. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  resume(): void
}

/** Starts a server of a test's own. Should the test process be killed, the server ends with it. */
export async function startEngine(name: EngineName): Promise<OwnEngine> {
  const engine = engines[name]
  const { skip } = ownEngineFor(name)
  if (!engine || skip) throw new Error(skip || `no such server: ${name}`)
  const own = ownEngine(await Server.in(await temporaryFolder(name), engine))
  try {
    await own.restart()
    return own
  } catch (error) {
    await own[Symbol.asyncDispose]()
    throw error
  }
}

export const temporaryFolder = (name: EngineName): Promise<string> => mkdtemp(path.join(os.tmpdir(), `ashlar-${name}-`))

/** A server that is not yet started, as a test's own: `restart` starts it; its folder is removed with it. */
export const ownEngine = (server: Server): OwnEngine => new Own(server)

/** Reads the number of the server's process group (0: none) again and again, until we are gone; then ends what is left. */
const script = `
trap '' INT TERM HUP QUIT
while read -r line; do group=$line; done
if [ "\${group:-0}" -gt 1 ] && kill -s KILL -- "-$group"; then sleep 1; fi
rm -rf "$1"
`

class Own implements OwnEngine {
  readonly #server: Server
  readonly #tether: Tether
  #group = 0

  constructor(server: Server) {
    this.#server = server
    this.#tether = new Tether(script, [server.place.folder], () => [String(this.#group)])
  }

  get url(): string {
    return this.#server.url
  }

  get pid(): number {
    return this.#server.pid
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    this.#hold(0)
  }

  async kill(): Promise<void> {
    await this.#server.kill()
    this.#hold(0)
  }

  async restart(): Promise<void> {
    await this.stop()
    this.#server.launch()
    this.#hold(this.#server.pid)
    await this.#server.ready()
  }

  pause(): void {
    this.#server.pause()
  }

  resume(): void {
    this.#server.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#tether.cut()
    await rm(this.#server.place.folder, { recursive: true, force: true })
  }

  #hold(group: number): void {
    this.#group = group
    this.#tether.say(String(group))
  }
}
