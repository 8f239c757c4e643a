/**
 * Driver `memory:`: an index in this process, for tests and small services of one process.
 *
 * URL: `memory:` is an index of its own; `memory:NAME` is one store for all handles in this process, an index for each block,
 * kept until the last handle closes. No options. Nothing is at rest: the index ends with the process and is rebuilt from the
 * system of record. Holds 100,000 documents at most; more are refused. Everything is found at once (`refresh` does nothing).
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid, type Code } from '../../errors.ts'
import type { Fields, Hits, Indexed, Indexing, Query, SearchDriver } from './driver.ts'
import { fieldsText } from './fields.ts'
import { MemoryIndex } from './memory/index.ts'

/** What stands behind a name: the index in use, and the one that a rebuild fills. */
interface Slot {
  live: MemoryIndex | undefined
  building: MemoryIndex | undefined
  users: number
}

const slots = new Map<string, Slot>()

export async function open(context: OpenContext): Promise<SearchDriver> {
  const name = /^memory:([A-Za-z0-9._-]*)$/i.exec(context.url)?.[1]
  if (name === undefined)
    throw invalid(`search: '${context.url}' is not valid; write memory: or memory:NAME, without options`)
  if (name === '') return new MemorySearch({ live: undefined, building: undefined, users: 1 }, () => undefined)
  const key = `${name} ${engineName(context)}`
  const slot = slots.get(key) ?? { live: undefined, building: undefined, users: 0 }
  slots.set(key, slot)
  slot.users++
  return new MemorySearch(slot, () => void (--slot.users === 0 && slots.delete(key)))
}

/** Nothing that this driver throws needs a code of its own. */
export function codeOf(_error: unknown): Code | undefined {
  return undefined
}

class MemorySearch implements SearchDriver {
  readonly #slot: Slot
  #fields: Fields | undefined
  #leave: (() => void) | undefined

  constructor(slot: Slot, leave: () => void) {
    this.#slot = slot
    this.#leave = leave
  }

  get #live(): MemoryIndex {
    if (!this.#leave || !this.#slot.live) throw new AshlarError('closed', 'search: this index is not open')
    return this.#slot.live
  }

  async ensure(fields: Fields): Promise<'ready' | 'stale'> {
    this.#fields = fields
    const live = (this.#slot.live ??= new MemoryIndex(fields))
    return fieldsText(live.fields) === fieldsText(fields) ? 'ready' : 'stale'
  }

  async put(items: readonly Indexing[]): Promise<Indexed[]> {
    const live = this.#live
    return items.map((given) => {
      const item = { ...given, version: given.version ?? clock() }
      const { building } = this.#slot
      const outcome = live.put(item)
      if (outcome.outcome !== 'refused') building?.put(item)
      return outcome
    })
  }

  async search(query: Query): Promise<Hits> {
    return this.#live.search(query)
  }

  async complete(prefix: string, limit: number): Promise<string[]> {
    return this.#live.complete(prefix, limit)
  }

  async refresh(): Promise<void> {
    void this.#live
  }

  async rebuild(items: AsyncIterable<readonly Indexing[]>): Promise<number> {
    if (this.#slot.building)
      throw new AshlarError('conflict', 'this index is being rebuilt already; wait until it is done')
    const building = (this.#slot.building = new MemoryIndex(this.#fields ?? this.#live.fields))
    try {
      for await (const batch of items) for (const item of batch) fill(building, item)
      building.adoptTombstones(this.#live)
      this.#slot.live = building
      return building.size
    } finally {
      this.#slot.building = undefined
    }
  }

  async stats(): Promise<{ documents: number; bytes: number }> {
    return { documents: this.#live.size, bytes: this.#live.bytes }
  }

  async close(): Promise<void> {
    this.#leave?.()
    this.#leave = undefined
  }
}

function fill(index: MemoryIndex, item: Indexing): void {
  const outcome = index.put({ ...item, version: item.version ?? clock() })
  if (outcome.outcome === 'refused') throw invalid(`document '${item.id}': ${outcome.error}`)
}

let last = 0

/** Microseconds; never the same twice, never back. */
function clock(): number {
  last = Math.max(last + 1, Math.round((performance.timeOrigin + performance.now()) * 1000))
  return last
}
