import type { Instance } from '../blocks/discovery/driver.ts'
import { policyOf, type Policy } from './balance.ts'
import type { Balance } from './config.ts'
import { Connections } from './connections.ts'
import { isWell } from './probe.ts'

/** One instance behind the edge. */
export interface Endpoint {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly connections: Connections
  active: number
  requests: number
  failures: number
  /** Out of rotation until this moment (`performance.now()`); 0 = in. */
  outUntilMs: number
}

/** What an upstream needs of discovery's watch. */
export interface Instances {
  readonly instances: readonly Instance[]
  onChange(changed: (instances: readonly Instance[]) => void): () => void
}

const firstOutMs = 500
const longestOutMs = 15_000
const probeEveryMs = 2_000

/** The instances of one app: who is there (discovery), who is well (probes and what requests saw), who is next (policy). */
export class Upstream {
  readonly name: string
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #policy: Policy
  readonly #stopWatching: () => void
  readonly #probing: NodeJS.Timeout
  readonly #asked = new Set<Endpoint>()

  constructor(name: string, watch: Instances, balance: Balance) {
    this.name = name
    this.#policy = policyOf(balance)
    this.#update(watch.instances)
    this.#stopWatching = watch.onChange((instances) => this.#update(instances))
    this.#probing = setInterval(() => this.#probeSuspects(), probeEveryMs)
    this.#probing.unref()
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()]
  }

  /** An endpoint that was not tried yet. With all of them out of rotation, any: trying beats refusing. */
  pick(tried: ReadonlySet<string>): Endpoint | undefined {
    const untried = this.endpoints.filter(({ id }) => !tried.has(id))
    const now = performance.now()
    const well = untried.filter(({ outUntilMs }) => outUntilMs <= now)
    const choice = well.length > 0 ? well : untried
    return choice.length > 0 ? this.#policy(choice) : undefined
  }

  succeeded(endpoint: Endpoint): void {
    endpoint.failures = 0
    endpoint.outUntilMs = 0
  }

  /** It did not answer: out of rotation, longer with each failure in a row. Failures at the same time are one. */
  failed(endpoint: Endpoint): void {
    const now = performance.now()
    if (now < endpoint.outUntilMs) return
    endpoint.failures++
    endpoint.outUntilMs = now + Math.min(firstOutMs * 2 ** (endpoint.failures - 1), longestOutMs)
  }

  /** An answer was late. A slow handler is no reason to leave the rotation, a silent process is: its health path tells. */
  suspect(endpoint: Endpoint): void {
    void this.#probe(endpoint).then((well) => well || this.failed(endpoint))
  }

  close(): void {
    clearInterval(this.#probing)
    this.#stopWatching()
    for (const { connections } of this.endpoints) connections.close()
  }

  #update(instances: readonly Instance[]): void {
    const now = new Map(instances.map((instance) => [instance.id, instance]))
    for (const [id, { host, port, connections }] of this.#endpoints) {
      const instance = now.get(id)
      if (instance?.host === host && instance.port === port) continue
      this.#endpoints.delete(id)
      connections.retire()
    }
    for (const { id, host, port } of instances) if (!this.#endpoints.has(id)) this.#add(id, host, port)
  }

  #add(id: string, host: string, port: number): void {
    const connections = new Connections()
    this.#endpoints.set(id, { id, host, port, connections, active: 0, requests: 0, failures: 0, outUntilMs: 0 })
  }

  #probeSuspects(): void {
    for (const endpoint of this.endpoints)
      if (endpoint.failures > 0) void this.#probe(endpoint).then((well) => well && this.succeeded(endpoint))
  }

  /** True also while another probe of it is under way. */
  async #probe(endpoint: Endpoint): Promise<boolean> {
    if (this.#asked.has(endpoint)) return endpoint.failures === 0
    this.#asked.add(endpoint)
    try {
      return await isWell(endpoint)
    } finally {
      this.#asked.delete(endpoint)
    }
  }
}
