import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { AshlarError } from '../../errors.ts'
import type { Cache, CacheOptions } from './cache.ts'
import type { CacheDriver } from './driver.ts'
import { OpenCache } from './open.ts'
import { settingsOf } from './settings.ts'

export type { Cache, CacheOptions, SetOptions } from './cache.ts'
export type { Bounds, CacheCapabilities, CacheDriver, Write } from './driver.ts'
export { digestOf } from './digest.ts'

const card: Card = {
  job: 'Keeps answers that were dear to get, so that the next reader gets them at once and the database is not asked again.',
  reachFor:
    'When far more is read than written, the same things are read again and again, and their being a moment old hurts nobody.',
  costs:
    'Old answers until they end or are deleted: every write must know what it makes wrong. With a low hit rate it is an extra step that saves nothing.',
  alternative:
    'An index, or a read replica: nothing to invalidate. Or the CDN, when whole responses are the same for everybody.',
}

function kindOf<T>(): Kind<Cache<T>, CacheOptions, CacheDriver> {
  return {
    kind: 'cache',
    card,
    options: ['ttl', 'policy', 'near', 'nearTtl', 'stale', 'negative', 'deadline', 'maxEntries', 'maxBytes'],
    drivers: {
      postgres: () => import('./postgres.ts'),
      memory: () => import('./memory.ts'),
    },
    check: (options) => void settingsOf(options),
    async build({ name, log }, opened, options) {
      const bounded = options.maxEntries !== undefined || options.maxBytes !== undefined
      if (bounded && !opened.driver.capabilities.bounds) {
        await opened.driver.close()
        throw new AshlarError(
          'unsupported',
          `${name}: ${opened.scheme} bounds its memory itself; leave maxEntries and maxBytes out and set its own limit`,
        )
      }
      return OpenCache.open<T>({ ...opened, name, settings: settingsOf(options), log })
    },
  }
}

/** A cache of a blueprint: `feed: cache<Feed>({ ttl: '30s', stale: '1m' })`. @throws `invalid_argument` */
export function cache<T>(options?: CacheOptions): Declaration<Cache<T>, CacheOptions>
/**
 * A cache alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using feeds = await cache<Feed>('feeds', { url: 'postgres://localhost/shop', ttl: '30s' })
 * const feed = await feeds.get(`feed:${user}`, () => loadFeed(user))
 */
export function cache<T>(name: string, options?: CacheOptions & AloneOptions): Promise<Cache<T>>
export function cache<T>(
  first: string | CacheOptions = {},
  options: CacheOptions & AloneOptions = {},
): Declaration<Cache<T>, CacheOptions> | Promise<Cache<T>> {
  const kind = kindOf<T>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
