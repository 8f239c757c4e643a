import { describe } from '../../errors.ts'
import type { Log } from '../../block.ts'
import type { Instance } from './driver.ts'

/** The list of a service's instances, kept up to date. */
export interface Watch extends AsyncDisposable {
  /** Last known; kept when the registry is away (see `staleMs`). */
  readonly instances: readonly Instance[]
  /** How long ago the registry was last heard of. */
  readonly staleMs: number
  onChange(changed: (instances: readonly Instance[]) => void): () => void
  end(): Promise<void>
}

/** What a watch asks of the registry; errors are wrapped and each call is bounded by the caller. */
export interface Registry {
  readonly block: string
  readonly leaseMs: number
  readonly log: Log
  list(service: string): Promise<Instance[]>
  watch(service: string, changed: () => void): Promise<() => Promise<void>>
}

type Listener = (instances: readonly Instance[]) => void

/**
 * One service's list for all watches of a process on it: listed again at each hint, and every third of a lease, since
 * the end of a lease tells nobody. While the registry is away the last known list stays.
 */
export class WatchedService {
  instances: readonly Instance[] = []
  readonly service: string
  readonly #registry: Registry
  readonly #listeners = new Set<Listener>()
  #heardAt = performance.now()
  #failed = false
  /** Until then instances that are gone stay listed: their leases ended only because nobody could renew. */
  #graceUntil = 0
  #timer: NodeJS.Timeout | undefined
  #listing: Promise<void> | undefined
  #again = false
  #unwatch: (() => Promise<void>) | undefined
  #ended = false

  constructor(service: string, registry: Registry) {
    this.service = service
    this.#registry = registry
  }

  /** Watches first and lists then, so that no change falls between. */
  async start(): Promise<void> {
    this.#unwatch = await this.#registry.watch(this.service, () => void this.refresh())
    this.#heard(await this.#registry.list(this.service))
    this.#listLater()
  }

  get staleMs(): number {
    return Math.round(performance.now() - this.#heardAt)
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Lists again. Hints that come meanwhile are one more listing, however many they are. Never throws. */
  refresh(): Promise<void> {
    if (this.#listing) this.#again = true
    else this.#listing = this.#refresh()
    return this.#listing
  }

  async #refresh(): Promise<void> {
    do {
      this.#again = false
      await this.#listOnce()
    } while (this.#again && !this.#ended)
    this.#listing = undefined
    this.#listLater()
  }

  #listLater(): void {
    clearTimeout(this.#timer)
    if (this.#ended) return
    this.#timer = setTimeout(() => void this.refresh(), this.#registry.leaseMs / 3).unref()
  }

  async #listOnce(): Promise<void> {
    try {
      const listed = await this.#registry.list(this.service)
      if (!this.#ended) this.#heard(listed)
    } catch (error) {
      if (!this.#failed && !this.#ended)
        this.#registry.log.warn(
          { block: this.#registry.block, service: this.service, error: describe(error) },
          'the registry is away; the last known instances stay',
        )
      this.#failed = true
    }
  }

  #heard(listed: readonly Instance[]): void {
    const { leaseMs } = this.#registry
    if (this.#failed && this.staleMs > leaseMs / 2) this.#graceUntil = performance.now() + leaseMs
    this.#failed = false
    this.#heardAt = performance.now()
    const kept = this.#heardAt < this.#graceUntil ? missingFrom(listed, this.instances) : []
    const next = [...listed, ...kept].sort(byId)
    if (JSON.stringify(next) === JSON.stringify(this.instances)) return
    this.instances = next
    for (const listener of this.#listeners) this.#tell(listener)
  }

  #tell(listener: Listener): void {
    try {
      listener(this.instances)
    } catch (error) {
      this.#registry.log.error(
        { block: this.#registry.block, service: this.service, error: describe(error) },
        'an onChange callback threw',
      )
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#listeners.clear()
    await this.#unwatch?.()
  }
}

function missingFrom(listed: readonly Instance[], before: readonly Instance[]): Instance[] {
  const ids = new Set(listed.map(({ id }) => id))
  return before.filter(({ id }) => !ids.has(id))
}

function byId(a: Instance, b: Instance): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** One user's view of a watched service. */
export class SharedWatch implements Watch {
  readonly #of: WatchedService
  readonly #release: () => Promise<void>
  readonly #mine = new Set<() => void>()
  #ended: Promise<void> | undefined

  constructor(of: WatchedService, release: () => Promise<void>) {
    this.#of = of
    this.#release = release
  }

  get instances(): readonly Instance[] {
    return this.#of.instances
  }

  get staleMs(): number {
    return this.#of.staleMs
  }

  onChange(changed: Listener): () => void {
    if (this.#ended) return () => undefined
    const stop = this.#of.onChange(changed)
    this.#mine.add(stop)
    return () => {
      stop()
      this.#mine.delete(stop)
    }
  }

  end(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    for (const stop of this.#mine) stop()
    this.#mine.clear()
    await this.#release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
