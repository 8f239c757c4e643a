/** One running copy of a service. */
export interface Instance {
  /** Unique for this run of the process. */
  id: string
  service: string
  host: string
  port: number
  /** Short text facts: version, zone, weight. */
  meta: Record<string, string>
}

/**
 * What a discovery driver promises: an instance is listed from `register` until `deregister` or the end of its lease,
 * by the registry's clock; a watcher learns of each change, and of everything anew after a gap. Raw errors.
 */
export interface DiscoveryDriver {
  /** Adds or replaces by id, for `ttlMs`. */
  register(instance: Instance, ttlMs: number): Promise<void>
  /** Prolongs the lease; false when the registry no longer knows it (register again). */
  renew(id: string, ttlMs: number): Promise<boolean>
  deregister(id: string): Promise<void>
  list(service: string): Promise<Instance[]>
  /** Calls back when the instances of a service may have changed. A hint: the portable type lists again, and also now and then unasked. */
  watch(service: string, changed: () => void): Promise<() => Promise<void>>
  close(): Promise<void>
}
