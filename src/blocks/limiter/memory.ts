/**
 * Buckets in this process: for tests, and for a service of one process.
 *
 * URL: `memory:` is a store of its own; `memory:NAME` is one store for all handles of that name in this process, kept until the
 * last of them closes. No options. Holds at most a million buckets that are not full; above that the longest unused is full again.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { invalid, type Code } from '../../errors.ts'
import { LocalBuckets } from './bucket.ts'
import type { Bucket, LimiterDriver, Take, Taken } from './driver.ts'

interface Store {
  buckets: LocalBuckets
  users: number
}

const maxKeys = 1_000_000
const stores = new Map<string, Store>()

export async function open(context: OpenContext): Promise<LimiterDriver> {
  const match = /^memory:([A-Za-z0-9_.-]*)$/.exec(context.url)
  if (!match) throw invalid(`limiter: a memory URL is 'memory:' or 'memory:NAME', without options`)
  if (!match[1]) return new MemoryLimiter(new LocalBuckets(maxKeys), () => undefined)
  const key = `${match[1]} ${engineName(context)}`
  const store = stores.get(key) ?? { buckets: new LocalBuckets(maxKeys), users: 0 }
  stores.set(key, store)
  store.users++
  return new MemoryLimiter(store.buckets, () => void (--store.users === 0 && stores.delete(key)))
}

export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class MemoryLimiter implements LimiterDriver {
  readonly #buckets: LocalBuckets
  #bucket: Bucket | undefined
  #leave: (() => void) | undefined

  constructor(buckets: LocalBuckets, leave: () => void) {
    this.#buckets = buckets
    this.#leave = leave
  }

  async take(bucket: Bucket, takes: readonly Take[]): Promise<Taken[]> {
    this.#bucket = bucket
    return takes.map((take) => this.#buckets.take(bucket, take))
  }

  async reset(key: string): Promise<void> {
    this.#buckets.reset(key)
  }

  async stats(): Promise<{ keys: number }> {
    return { keys: this.#buckets.count(this.#bucket) }
  }

  async close(): Promise<void> {
    this.#leave?.()
    this.#leave = undefined
  }
}
