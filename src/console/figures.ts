import { parseMetrics } from './prometheus.ts'
import type { Service } from './service.ts'

/** What goes through one operation of a block now, over the whole service. */
export interface Flow {
  block: string
  operation: string
  perSecond: number
  errorsPerSecond: number
  /** Mean time since the last look. */
  meanMs: number
}

export interface Figures {
  /** By block: figures, summed or the largest over the processes (see `merge`). */
  stats: Record<string, Record<string, number>>
  health: Record<string, { ok: boolean; detail?: string }>
  flows: Flow[]
}

/** What the console itself causes by asking. */
const asked = new Set(['stats', 'health'])

interface Total {
  count: number
  errors: number
  seconds: number
}

const askLimitMs = 1_500
/** Figures that each process counts for itself; all others are of the engine, the same in every process. */
const summed = new Set([
  'hits',
  'misses',
  'savedMs',
  'requests',
  'connections',
  'readsReplica',
  'readsPrimary',
  'cacheHits',
  'cacheLooks',
  'cacheBytes',
  'idle',
  'waiting',
])

/** Asks every role process for its figures, and turns counters into rates between two looks. */
export class FigureReader {
  readonly #service: Service
  #last = new Map<string, Total>()
  #lastAtMs = 0

  constructor(service: Service) {
    this.#service = service
  }

  async read(): Promise<Figures> {
    const ports = this.#service
      .processes()
      .flatMap(({ state, adminPort }) => (state === 'ready' && adminPort ? adminPort : []))
    const [stats, health, metrics] = await Promise.all([
      all(ports, '/stats'),
      all(ports, '/health'),
      all(ports, '/metrics'),
    ])
    return {
      stats: merge(stats.map((text) => parse(text) as Record<string, Record<string, number>>)),
      health: worst(health.map((text) => (parse(text) as { blocks?: Figures['health'] }).blocks ?? {})),
      flows: this.#flows(totals(metrics)),
    }
  }

  #flows(now: Map<string, Total>): Flow[] {
    const atMs = performance.now()
    const seconds = (atMs - this.#lastAtMs) / 1000
    const flows =
      this.#lastAtMs === 0
        ? []
        : [...now].flatMap(([key, total]) => flowOf(key, total, this.#last.get(key), seconds) ?? [])
    this.#last = now
    this.#lastAtMs = atMs
    return flows
  }
}

function flowOf(
  key: string,
  total: Total,
  before: Total = { count: 0, errors: 0, seconds: 0 },
  seconds: number,
): Flow | undefined {
  const count = total.count - before.count
  // A process that ended took its counters along; its flow shows again from the next look on.
  if (count <= 0) return undefined
  const [block = '', operation = ''] = key.split(' ')
  return {
    block,
    operation,
    perSecond: count / seconds,
    errorsPerSecond: Math.max(0, total.errors - before.errors) / seconds,
    meanMs: ((total.seconds - before.seconds) / count) * 1000,
  }
}

function totals(metrics: readonly string[]): Map<string, Total> {
  const found = new Map<string, Total>()
  for (const { name, labels, value } of metrics.flatMap(parseMetrics)) {
    if (!name.startsWith('ashlar_operation_seconds_') || name.endsWith('_bucket') || asked.has(labels.operation ?? ''))
      continue
    const key = `${labels.block} ${labels.operation}`
    const total = found.get(key) ?? { count: 0, errors: 0, seconds: 0 }
    found.set(key, total)
    if (name.endsWith('_sum')) total.seconds += value
    else total.count += value
    if (name.endsWith('_count') && labels.outcome !== 'ok') total.errors += value
  }
  return found
}

function merge(all: readonly Record<string, Record<string, number>>[]): Figures['stats'] {
  const merged: Figures['stats'] = {}
  for (const stats of all)
    for (const [block, figures] of Object.entries(stats)) merged[block] = mergeOne(merged[block] ?? {}, figures)
  for (const figures of Object.values(merged)) if ('hits' in figures && 'misses' in figures) setRate(figures)
  return merged
}

function mergeOne(into: Record<string, number>, from: Record<string, number>): Record<string, number> {
  for (const [name, value] of Object.entries(from))
    into[name] = summed.has(name) ? (into[name] ?? 0) + value : Math.max(into[name] ?? -Infinity, value)
  return into
}

/** Over all processes; nothing while nobody has looked anything up. */
function setRate(figures: Record<string, number>): void {
  const { hits = 0, misses = 0 } = figures
  delete figures.hitRate
  if (hits + misses > 0) figures.hitRate = hits / (hits + misses)
}

function worst(all: readonly Figures['health'][]): Figures['health'] {
  const merged: Figures['health'] = {}
  for (const health of all)
    for (const [block, each] of Object.entries(health)) if (!merged[block] || !each.ok) merged[block] = each
  return merged
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** A process that is paused or ending does not hold up the others. */
async function all(ports: readonly number[], path: string): Promise<string[]> {
  const answers = ports.map(async (port) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(askLimitMs) })).text(),
  )
  return (await Promise.allSettled(answers)).flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
}
