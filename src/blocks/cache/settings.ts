import { invalid } from '../../errors.ts'
import { toBytes, toCount, toMs } from '../../units.ts'
import type { CacheOptions, SetOptions } from './cache.ts'
import type { Bounds } from './driver.ts'

/** Checked options. */
export interface CacheSettings {
  ttlMs: number
  policy: 'lru' | 'lfu'
  near: number
  nearTtlMs: number
  staleMs: number
  negativeMs: number
  deadlineMs: number
  bounds: Bounds
}

const maxMs = 400 * 86_400_000
const maxKeyLength = 65_536
const maxTags = 32
const maxTagLength = 128

/** @throws `invalid_argument` */
export function settingsOf(options: CacheOptions): CacheSettings {
  const policy = options.policy ?? 'lru'
  if (!['lru', 'lfu'].includes(policy))
    throw invalid(`cache policy: '${policy}' is not known; allowed are 'lru', 'lfu'`)
  return {
    policy,
    ttlMs: toMs('cache ttl', options.ttl ?? '1m', { min: 10, max: maxMs }),
    near: toCount('cache near', options.near ?? 1000, { max: 1e6 }),
    nearTtlMs: toMs('cache nearTtl', options.nearTtl ?? '5s', { min: 1, max: 3_600_000 }),
    staleMs: toMs('cache stale', options.stale ?? 0, { max: maxMs }),
    negativeMs: toMs('cache negative', options.negative ?? 0, { max: maxMs }),
    deadlineMs: toMs('cache deadline', options.deadline ?? '250ms', { min: 1, max: 5000 }),
    bounds: {
      maxEntries: toCount('cache maxEntries', options.maxEntries ?? 1e6, { min: 1, max: 1e8 }),
      maxBytes: toBytes('cache maxBytes', options.maxBytes ?? '1gb', { min: 1024, max: 1024 ** 4 }),
    },
  }
}

/** @throws `invalid_argument` */
export function ttlOf(options: SetOptions, settings: CacheSettings): number {
  return options.ttl === undefined ? settings.ttlMs : toMs('cache ttl', options.ttl, { min: 10, max: maxMs })
}

/** @throws `invalid_argument` */
export function checkKey(key: unknown): void {
  if (typeof key === 'string' && key.length >= 1 && key.length <= maxKeyLength) return
  const what = typeof key === 'string' ? `a text of ${key.length} characters` : `a ${typeof key}`
  throw invalid(`cache: key is ${what}; write a text of 1 to ${maxKeyLength} characters`)
}

/** @throws `invalid_argument` */
export function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length > maxTags) throw invalid(`cache: ${tags.length} tags are too many; give at most ${maxTags}`)
  for (const tag of tags) {
    if (typeof tag === 'string' && tag.length >= 1 && tag.length <= maxTagLength && isPlain(tag)) continue
    throw invalid(`cache: tag ${JSON.stringify(tag)} is not valid; write 1 to ${maxTagLength} characters without NUL`)
  }
  return tags
}

function isPlain(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
