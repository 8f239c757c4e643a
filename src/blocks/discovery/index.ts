import { wrap, type AloneOptions, type Card, type Declaration, type OpenContext } from '../../block.ts'
import { declare, openAlone, type DriverOpener, type DriverTable, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
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

/** A driver and what its errors mean. */
export interface Opened {
  driver: DiscoveryDriver
  codeOf: (error: unknown) => Code | undefined
}

/** What a driver's file exports. */
interface DriverModule {
  open(context: OpenContext): Promise<DiscoveryDriver>
  codeOf(error: unknown): Code | undefined
}

const drivers: DriverTable<Opened> = {
  postgres: async () => opener('postgres', await import('./postgres.ts')),
  memory: async () => opener('memory', await import('./memory.ts')),
}

function opener(scheme: string, { open, codeOf }: DriverModule): DriverOpener<Opened> {
  return async (context) => {
    try {
      return { driver: await open(context), codeOf }
    } catch (error) {
      throw wrap(error, { block: context.name, driver: scheme, doing: 'opening' }, codeOf)
    }
  }
}

const kind: Kind<Discovery, DiscoveryOptions, Opened> = {
  kind: 'discovery',
  card,
  options: ['lease'],
  drivers,
  check: (options) => void leaseMsOf(options),
  build: ({ name, log }, { driver, codeOf }, options, scheme) =>
    new OpenDiscovery({ name, scheme, driver, codeOf, leaseMs: leaseMsOf(options), log }),
}

function leaseMsOf({ lease = '6s' }: DiscoveryOptions): number {
  return toMs('discovery lease', lease, { min: 1_000, max: 300_000 })
}

/**
 * Service discovery: instances register under a service's name, others watch the list or pick from it.
 * With a name it opens at once, without a blueprint: `await discovery('registry', { url: 'postgres://…' })`.
 * @throws `invalid_argument` for an unknown or impossible option; alone also `unsupported` `unavailable` `timeout`
 */
export function discovery(options?: DiscoveryOptions): Declaration<Discovery, DiscoveryOptions>
export function discovery(name: string, options?: DiscoveryOptions & AloneOptions): Promise<Discovery>
export function discovery(
  first: string | DiscoveryOptions = {},
  options: DiscoveryOptions & AloneOptions = {},
): Declaration<Discovery, DiscoveryOptions> | Promise<Discovery> {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
