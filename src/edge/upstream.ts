import { Agent, request as httpRequest } from 'node:http'
import { healthPath } from '../blocks/app/index.ts'
import type { Instance } from '../blocks/discovery/driver.ts'
import { policyOf, type Policy } from './balance.ts'
import type { Balance } from './config.ts'

/** One instance behind the edge. */
export interface Endpoint {
  readonly id: string
  readonly host: string
  readonly port: number
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
const probeLimitMs = 1_500

// Shorter than the app keeps its side open, so that we never write into a connection that is being closed.
export const agent = new Agent({
  keepAlive: true,
  maxSockets: 1024,
  maxFreeSockets: 64,
  timeout: 30_000,
  scheduling: 'lifo',
})

/** The instances of one app: who is there (discovery), who is well (probes and what requests saw), who is next (policy). */
export class Upstream {
  readonly name: string
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #policy: Policy
  readonly #stopWatching: () => void
  readonly #probing: NodeJS.Timeout

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

  /** It did not answer: out of rotation, longer with each failure in a row. */
  failed(endpoint: Endpoint): void {
    endpoint.failures++
    endpoint.outUntilMs = performance.now() + Math.min(firstOutMs * 2 ** (endpoint.failures - 1), longestOutMs)
  }

  close(): void {
    clearInterval(this.#probing)
    this.#stopWatching()
  }

  #update(instances: readonly Instance[]): void {
    const ids = new Set(instances.map(({ id }) => id))
    for (const id of this.#endpoints.keys()) if (!ids.has(id)) this.#endpoints.delete(id)
    for (const { id, host, port } of instances) {
      if (!this.#endpoints.has(id))
        this.#endpoints.set(id, { id, host, port, active: 0, requests: 0, failures: 0, outUntilMs: 0 })
    }
  }

  #probeSuspects(): void {
    for (const endpoint of this.endpoints) if (endpoint.failures > 0) this.#probe(endpoint)
  }

  #probe(endpoint: Endpoint): void {
    const { host, port } = endpoint
    const probe = httpRequest({ host, port, path: healthPath, timeout: probeLimitMs, agent: false }, (answer) => {
      answer.resume()
      if (answer.statusCode === 200) this.succeeded(endpoint)
    })
    probe.on('timeout', () => probe.destroy())
    probe.on('error', () => undefined)
    probe.end()
  }
}
