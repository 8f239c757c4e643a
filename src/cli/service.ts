import type { Blueprint } from '../blueprint/blueprint.ts'
import type { ChildSpec } from '../blueprint/child.ts'
import { closeLimitOf } from '../blueprint/run.ts'
import type { Engine } from '../blueprint/resolve.ts'
import { Supervisor, type ProcessState } from '../blueprint/supervisor.ts'
import type { Member, Service } from '../console/service.ts'
import { invalid } from '../errors.ts'
import type { Cluster } from '../postgres/cluster/index.ts'
import { forPeople, readLine, type Line } from './lines.ts'

const keptTroubles = 100
const roleKinds = new Set(['edge', 'app', 'worker'])

export interface ServiceParts {
  blueprint: Blueprint
  blueprintPath: string
  engines: ReadonlyMap<string, Engine>
  cluster: Cluster | undefined
  addresses: Record<string, string>
  env: Record<string, string | undefined>
  /** Where each edge listens. */
  ports: ReadonlyMap<string, string>
  onChange(): void
}

/** The whole service on one machine: every role as child processes, the cluster beside them. */
export class LocalService implements Service {
  readonly blueprint: Blueprint
  readonly engines: ReadonlyMap<string, Engine>
  readonly addresses: Record<string, string>
  readonly #parts: ServiceParts
  readonly #supervisor: Supervisor
  readonly #troubles: { at: string; process: string; level: string; text: string }[] = []
  readonly #counts = new Map<string, number>()
  /** Blocks whose processes are still to be started, one entry each. */
  #waiting: string[] = []

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.blueprint = parts.blueprint
    this.engines = parts.engines
    this.addresses = parts.addresses
    this.#supervisor = new Supervisor({
      onLine: (id, raw) => this.say(id, readLine(raw)),
      onChange: () => {
        this.#startWaiting()
        parts.onChange()
      },
    })
  }

  /**
   * Starts every app, worker and edge of the blueprint, as many as their `instances` say: edges and one of each app first,
   * so that the site answers while the others still load; those as soon as the first have come up, or failed to.
   */
  startAll(): void {
    const first: string[] = []
    for (const [name, { kind, options }] of Object.entries(this.blueprint.declarations)) {
      if (!roleKinds.has(kind)) continue
      const names = Array<string>((options as { instances?: number }).instances ?? 1).fill(name)
      first.push(...(kind === 'worker' ? [] : names.splice(0, 1)))
      this.#waiting.push(...names)
    }
    for (const name of first) this.add(name)
    this.#startWaiting()
  }

  #startWaiting(): void {
    if (this.#waiting.length === 0 || this.processes().some(({ state }) => state === 'starting')) return
    for (const name of this.#waiting.splice(0)) this.add(name)
  }

  /** Prints a line with its process's name, and keeps it for the console when it tells of trouble. */
  say(process: string, line: Line): void {
    console.log(forPeople(process, line, globalThis.process.stdout.isTTY))
    if (line.level === 'info' || line.level === 'debug') return
    this.#troubles.unshift({ at: new Date().toISOString(), process, ...line })
    this.#troubles.length = Math.min(this.#troubles.length, keptTroubles)
  }

  processes(): ProcessState[] {
    return this.#supervisor.list()
  }

  members(): readonly Member[] {
    return this.#parts.cluster?.members ?? []
  }

  troubles() {
    return this.#troubles
  }

  kill(process: string): void {
    this.#supervisor.signal(process, 'SIGKILL')
  }

  pause(process: string): void {
    this.#supervisor.signal(process, 'SIGSTOP')
  }

  resume(process: string): void {
    this.#supervisor.signal(process, 'SIGCONT')
  }

  add(block: string): string {
    const declaration = this.blueprint.declarations[block]
    if (!declaration || !roleKinds.has(declaration.kind))
      throw invalid(`'${block}' is not an app, worker or edge of '${this.blueprint.name}'`)
    const number = (this.#counts.get(block) ?? 0) + 1
    this.#counts.set(block, number)
    const id = `${block}-${number}`
    this.#supervisor.start(this.#spec(id, declaration.kind, block))
    return id
  }

  remove(process: string): Promise<void> {
    return this.#supervisor.stop(process)
  }

  /**
   * Puts new processes in the place of apps and workers, one after the other, each once its successor is ready: no request
   * fails. Stops at the first that cannot start, and the old code goes on. @returns what went wrong, if anything did
   */
  async reload(): Promise<string | undefined> {
    for (const { id, role, block } of this.processes()) {
      if (role === 'edge') continue
      const done = await (this.#hasPort(block) ? this.#supervisor.restart(id) : this.#supervisor.replace(id))
      const now = this.processes().find((each) => each.id === id)
      if (!done && now) return `${id} could not start anew, what ran before goes on: ${now.lastError}`
    }
    return undefined
  }

  /** Two processes cannot listen on one declared port. */
  #hasPort(block: string): boolean {
    return Boolean((this.blueprint.declarations[block]!.options as { port?: number }).port)
  }

  async lag(member: string, seconds: number): Promise<void> {
    await this.#cluster().lag(member, seconds)
  }

  async promote(member: string): Promise<void> {
    await this.#cluster().promote(member)
  }

  /** The edge first, so that no new request comes; then all others, while the database is still there. */
  async stop(): Promise<void> {
    this.#waiting = []
    const ids = this.processes()
    await Promise.all(ids.filter(({ role }) => role === 'edge').map(({ id }) => this.#supervisor.stop(id)))
    await this.#supervisor.close()
  }

  #cluster(): Cluster {
    if (this.#parts.cluster) return this.#parts.cluster
    throw invalid('the database is not the embedded one; lag and promote it with its own tools')
  }

  #spec(id: string, role: string, block: string): ChildSpec {
    const args = ['start', '--role', role, '--only', block, '--blueprint', this.#parts.blueprintPath]
    const port = this.#parts.ports.get(block)
    const env = port === undefined ? this.#parts.env : { ...this.#parts.env, ASHLAR_EDGE_PORT: port }
    const stopLimitMs = closeLimitOf(this.blueprint.declarations[block]!) + 5_000
    return { id, role, block, module: globalThis.process.argv[1]!, args, env, stopLimitMs }
  }
}
