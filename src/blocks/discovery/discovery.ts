import type { Block, BlockOptions } from '../../block.ts'
import type { Duration } from '../../units.ts'
import type { Instance } from './driver.ts'

export interface DiscoveryOptions extends BlockOptions {
  /** How long an instance that says nothing is still listed. 1s to 5m, default '6s'; renewed every third of it. */
  lease?: Duration
}

/** A registration that renews itself, and registers again when the registry has forgotten it. */
export interface Registration extends AsyncDisposable {
  readonly instance: Instance
  /** Takes the instance off the list. */
  end(): Promise<void>
}

/** The list of a service's instances, kept up to date. */
export interface Watch extends AsyncDisposable {
  /** Last known; kept when the registry is away (see `staleMs`). */
  readonly instances: readonly Instance[]
  /** How long ago the registry was last heard of. */
  readonly staleMs: number
  onChange(changed: (instances: readonly Instance[]) => void): () => void
  end(): Promise<void>
}

/** Which instances of a service there are. */
export interface Discovery extends Block {
  register(
    service: string,
    address: { host: string; port: number; meta?: Record<string, string>; id?: string },
  ): Promise<Registration>
  list(service: string): Promise<Instance[]>
  watch(service: string): Promise<Watch>
  /** Client-side balancing: an instance, in turn; `undefined` when there is none. */
  pick(service: string): Promise<Instance | undefined>
}
