import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { invalid } from '../../errors.ts'
import { toCount, toMs, toRate } from '../../units.ts'
import type { LimiterDriver } from './driver.ts'
import type { Limiter, LimiterOptions } from './limiter.ts'
import { OpenLimiter, type LimiterSettings } from './open.ts'

export type { Decision, Limiter, LimiterOptions } from './limiter.ts'
export type { Bucket, LimiterDriver, Take, Taken } from './driver.ts'

const card: Card = {
  job: 'Caps how often each client may ask: a bucket of tokens allows short bursts and bounds the average, counted once for the whole fleet.',
  reachFor:
    'When one client, by malice or by a bug, could take what belongs to all; best at the edge, before a request has cost anything.',
  costs:
    'One shared decision per request, and a choice of what to do when the shared store does not answer: let through, or refuse.',
  alternative:
    'A counter in each process: no shared store, but the true limit grows with the number of instances, and a client near the edge of a window gets twice its share.',
}

/** @throws `invalid_argument` */
function settingsOf(options: LimiterOptions): LimiterSettings {
  if (typeof options.rate !== 'string') throw invalid("limiter rate: it is missing; write such as '50/s' or '100/m'")
  const { count, perMs } = toRate('limiter rate', options.rate)
  const burst = options.burst ?? Math.min(1e9, Math.max(1, Math.floor(count)))
  const failure = options.failure ?? 'open'
  if (!['open', 'closed', 'local'].includes(failure))
    throw invalid(`limiter failure: '${failure}' is not known; allowed are 'open', 'closed', 'local'`)
  return {
    bucket: { capacity: toCount('limiter burst', burst, { min: 1, max: 1e9 }), refillPerMs: count / perMs },
    failure,
    deadlineMs: toMs('limiter deadline', options.deadline ?? '100ms', { min: 1, max: 5000 }),
  }
}

const kind: Kind<Limiter, LimiterOptions, LimiterDriver> = {
  kind: 'limiter',
  card,
  options: ['rate', 'burst', 'failure', 'deadline'],
  drivers: {
    postgres: () => import('./postgres.ts'),
    memory: () => import('./memory.ts'),
  },
  check: (options) => void settingsOf(options),
  build: ({ name, log }, opened, options) => new OpenLimiter({ ...opened, name, settings: settingsOf(options), log }),
}

/** A limiter of a blueprint: `perUser: limiter({ rate: '50/s', burst: 100 })`. @throws `invalid_argument` */
export function limiter(options: LimiterOptions): Declaration<Limiter, LimiterOptions>
/**
 * A limiter alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using perUser = await limiter('perUser', { url: 'postgres://localhost/shop', rate: '50/s' })
 * const { allowed, headers } = await perUser.take(user)
 */
export function limiter(name: string, options: LimiterOptions & AloneOptions): Promise<Limiter>
export function limiter(
  first: string | LimiterOptions,
  options = {} as LimiterOptions & AloneOptions,
): Declaration<Limiter, LimiterOptions> | Promise<Limiter> {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
