import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { toMs } from '../../units.ts'
import { OpenDiscovery, type Discovery, type DiscoveryOptions } from './discovery.ts'
import type { DiscoveryDriver } from './driver.ts'

export type { Address } from './check.ts'
export type { Discovery, DiscoveryOptions, Registration, Watch } from './discovery.ts'
export type { DiscoveryDriver, Instance } from './driver.ts'

const card: Card = {
  job: 'Knows which instances of each service are alive and where: they register with a lease, others watch or pick.',
  reachFor: 'When instances come and go (scaling, rolling, crashes) and no address can be written down.',
  costs: 'One more thing that must be up; a dead instance stays listed until its lease ends, so callers still retry.',
  alternative:
    'A platform that does it for you: Kubernetes Services and DNS, or a load balancer with its own registry.',
}

/** @throws `invalid_argument` */
function leaseMsOf({ lease = '6s' }: DiscoveryOptions): number {
  return toMs('discovery lease', lease, { min: 1_000, max: 300_000 })
}

const kind: Kind<Discovery, DiscoveryOptions, DiscoveryDriver> = {
  kind: 'discovery',
  card,
  options: ['lease'],
  drivers: {
    postgres: () => import('./postgres.ts'),
    memory: () => import('./memory.ts'),
  },
  check: (options) => void leaseMsOf(options),
  build: ({ name, log }, opened, options) => new OpenDiscovery({ ...opened, name, leaseMs: leaseMsOf(options), log }),
}

/** A registry of a blueprint: `discovery: discovery({ lease: '6s' })`. @throws `invalid_argument` */
export function discovery(options?: DiscoveryOptions): Declaration<Discovery, DiscoveryOptions>
/**
 * A registry alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using registry = await discovery('registry', { url: 'postgres://localhost/shop' })
 * await using here = await registry.register('web', { host: '10.0.0.7', port: 8080 })
 */
export function discovery(name: string, options?: DiscoveryOptions & AloneOptions): Promise<Discovery>
export function discovery(
  first: string | DiscoveryOptions = {},
  options: DiscoveryOptions & AloneOptions = {},
): Declaration<Discovery, DiscoveryOptions> | Promise<Discovery> {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
