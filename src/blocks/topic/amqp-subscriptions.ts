import type { Keep, Subscription } from './driver.ts'

/** What the journal of a topic says, one entry after another. */
export type Entry =
  | { said: 'subscribed'; name: string; id: string; filter: Subscription['filter']; ms: number }
  /** The bindings are those of the filter that it has; those of the old ones are gone. */
  | { said: 'bound'; name: string; id: string; filter: Subscription['filter'] }
  | { said: 'ended'; name: string; id: string }
  /** Its queues are gone. */
  | { said: 'gone'; id: string }
  | { said: 'dropped'; name: string; id: string; count: number }

export interface Known {
  name: string
  /** Of this subscription since it was made; its queue is named by it. */
  id: string
  filter: Subscription['filter']
  keep: Keep
  /** It has bindings of its filter. */
  isBound: boolean
  /** Filters that it had, and may still have bindings of. */
  stale: Subscription['filter'][]
  dropped: number
}

/** The subscriptions of a topic, as all processes see them that have read as far. */
export class Subscriptions {
  readonly #known = new Map<string, Known>()
  /** Those that have ended, whose queues may still be there. */
  readonly ended = new Set<string>()
  readonly #onEnd: (id: string) => void

  constructor(onEnd: (id: string) => void) {
    this.#onEnd = onEnd
  }

  get(name: string): Known | undefined {
    return this.#known.get(name)
  }

  all(): Known[] {
    return [...this.#known.values()]
  }

  apply(entry: Entry): void {
    if (entry.said === 'gone') return void this.ended.delete(entry.id)
    const known = this.#known.get(entry.name)
    if (entry.said === 'subscribed') return this.#subscribed(known, entry)
    if (known?.id !== entry.id) return
    if (entry.said === 'dropped') known.dropped += entry.count
    else if (entry.said === 'ended') this.#end(known)
    else if (isSame(entry.filter, known.filter)) Object.assign(known, { isBound: true, stale: [] })
  }

  /** Of those who make it at the same time the first one names it; the last one says what it is. */
  #subscribed(known: Known | undefined, { name, id, filter, ms }: Entry & { said: 'subscribed' }): void {
    const keep = { ms, messages: Infinity }
    if (!known) this.#known.set(name, { name, id, filter, keep, isBound: false, stale: [], dropped: 0 })
    else {
      known.keep = keep
      if (isSame(known.filter, filter)) return
      Object.assign(known, { filter, isBound: false, stale: [...known.stale, known.filter] })
    }
  }

  #end({ name, id }: Known): void {
    this.#known.delete(name)
    this.ended.add(id)
    this.#onEnd(id)
  }
}

export function isSame(a: Subscription['filter'], b: Subscription['filter']): boolean {
  return textOf(a) === textOf(b)
}

function textOf(filter: Subscription['filter']): string {
  const sorted = Object.entries(filter).map(([name, values]) => [name, values.toSorted()] as const)
  return JSON.stringify(sorted.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
