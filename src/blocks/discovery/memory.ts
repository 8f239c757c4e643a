/**
 * Driver `memory:` — `memory:` is a registry of its own, `memory:NAME` one registry per process and name. No options.
 * Leases run by the process's monotonic clock. Nothing is at rest: the registry ends with the process.
 */
import type { Code } from '../../errors.ts'
import { invalid } from '../../errors.ts'
import type { OpenContext } from '../../block.ts'
import type { DiscoveryDriver, Instance } from './driver.ts'

interface Lease {
  instance: Instance
  endsAt: number
}

class Registry {
  readonly leases = new Map<string, Lease>()
  readonly watchers = new Map<string, Set<() => void>>()

  changed(service: string): void {
    for (const tell of this.watchers.get(service) ?? []) queueMicrotask(tell)
  }

  dropEnded(now: number): void {
    for (const [id, { endsAt }] of this.leases) if (endsAt <= now) this.leases.delete(id)
  }
}

const shared = new Map<string, Registry>()

export async function open({ url }: OpenContext): Promise<DiscoveryDriver> {
  const name = /^memory:([A-Za-z0-9._-]*)$/i.exec(url)?.[1]
  if (name === undefined)
    throw invalid(`discovery: '${url}' is not valid; write memory: or memory:NAME, without options`)
  if (name === '') return new MemoryDiscovery(new Registry())
  let registry = shared.get(name)
  if (!registry) shared.set(name, (registry = new Registry()))
  return new MemoryDiscovery(registry)
}

/** Nothing that this driver throws needs a code of its own. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class MemoryDiscovery implements DiscoveryDriver {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  async register(instance: Instance, ttlMs: number): Promise<void> {
    const now = performance.now()
    this.#registry.dropEnded(now)
    const before = this.#registry.leases.get(instance.id)?.instance.service
    this.#registry.leases.set(instance.id, { instance: structuredClone(instance), endsAt: now + ttlMs })
    this.#registry.changed(instance.service)
    if (before !== undefined && before !== instance.service) this.#registry.changed(before)
  }

  async renew(id: string, ttlMs: number): Promise<boolean> {
    const now = performance.now()
    const lease = this.#registry.leases.get(id)
    if (!lease || lease.endsAt <= now) return false
    lease.endsAt = now + ttlMs
    return true
  }

  async deregister(id: string): Promise<void> {
    const lease = this.#registry.leases.get(id)
    if (!lease) return
    this.#registry.leases.delete(id)
    this.#registry.changed(lease.instance.service)
  }

  async list(service: string): Promise<Instance[]> {
    const now = performance.now()
    return [...this.#registry.leases.values()]
      .filter(({ instance, endsAt }) => instance.service === service && endsAt > now)
      .map(({ instance }) => structuredClone(instance))
  }

  async watch(service: string, changed: () => void): Promise<() => Promise<void>> {
    const watchers = this.#registry.watchers
    const tell = () => changed()
    const told = watchers.get(service) ?? new Set()
    watchers.set(service, told.add(tell))
    return async () => {
      told.delete(tell)
      if (told.size === 0 && watchers.get(service) === told) watchers.delete(service)
    }
  }

  async close(): Promise<void> {}
}
