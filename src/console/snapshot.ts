import type { Card, Health } from '../block.ts'
import { hideSecrets } from '../errors.ts'
import { toMs, type Duration } from '../units.ts'
import type { Figures, Flow } from './figures.ts'
import type { Member, Service } from './service.ts'
import type { ProcessState } from '../blueprint/supervisor.ts'

/** One thing that the blueprint expects, beside what is. */
export interface Expectation {
  name: string
  expected: string
  measured: number | undefined
  /** `undefined` while nothing was measured. */
  met: boolean | undefined
}

export interface BlockView {
  name: string
  kind: string
  driver: string
  /** URL of the engine, without its password, and the variable it came from. */
  engine: string
  engineFrom: string
  because: string | undefined
  card: Card
  health: Health | undefined
  stats: Record<string, number>
  flows: Flow[]
  expectations: Expectation[]
  /** Names of blocks that it leads to (an edge's routes). */
  leadsTo: string[]
}

/** All that the page shows, as one JSON object. */
export interface Snapshot {
  service: string
  at: string
  addresses: Record<string, string>
  blocks: BlockView[]
  processes: ProcessState[]
  members: Member[]
  troubles: ReturnType<Service['troubles']>
}

/** Puts the declared and the measured side by side. */
export function snapshotOf(service: Service, figures: Figures): Snapshot {
  return {
    service: service.blueprint.name,
    at: new Date().toISOString(),
    addresses: { ...service.addresses },
    blocks: Object.keys(service.blueprint.declarations).map((name) => viewOf(service, name, figures)),
    processes: service.processes(),
    members: [...service.members()],
    troubles: service.troubles().slice(0, 30),
  }
}

function viewOf(service: Service, name: string, figures: Figures): BlockView {
  const { kind, card, options } = service.blueprint.declarations[name]!
  const engine = service.engines.get(name)
  const stats = figures.stats[name] ?? {}
  return {
    name,
    kind,
    driver: engine?.scheme ?? '',
    engine: hideSecrets(engine?.url ?? ''),
    engineFrom: engine?.from ?? '',
    because: options.because,
    card,
    health: figures.health[name],
    stats,
    flows: figures.flows.filter(({ block }) => block === name),
    expectations: Object.entries(options.expect ?? {}).map(([what, wanted]) => expectation(what, wanted, stats)),
    leadsTo: [...new Set(((options as { routes?: { to: string }[] }).routes ?? []).map(({ to }) => to))],
  }
}

/** With fewer look-ups a hit rate says nothing: every cache begins with misses. */
const enoughLooks = 20

function looksIn({ hits = 0, misses = 0, cacheLooks = hits + misses }: Readonly<Record<string, number>>): number {
  return cacheLooks
}

/** Rates and counts should be at least, times and lags at most, what is expected. */
export function expectation(
  name: string,
  wanted: number | string,
  stats: Readonly<Record<string, number>>,
): Expectation {
  const atMost = /(Ms|lag|age|dead|errors)$/i.test(name)
  const limit = typeof wanted === 'number' ? wanted : toMs(`expect ${name}`, wanted as Duration)
  const measured = stats[name]
  const told = measured !== undefined && !(name === 'hitRate' && looksIn(stats) < enoughLooks)
  const met = told ? (atMost ? measured <= limit : measured >= limit) : undefined
  return { name, expected: `${atMost ? 'at most' : 'at least'} ${wanted}`, measured, met }
}
