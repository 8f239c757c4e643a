import { fetchFrom, type Fetched } from './fetch.ts'
import type { Link } from './link.ts'
import type { Topic } from './topic.ts'

interface Waiter {
  partition: number
  offset: number
  maxBytes: number
  isDone: boolean
  settle(found: Fetched | undefined): void
  fail(error: unknown): void
}

/** How long Kafka holds one fetch. A reader that comes while all links wait joins in when the first of them ends. */
export const pollMs = 1_000
const maxLinks = 3

/**
 * Readers at the end of partitions that one broker leads. Those that wait are asked for together, in fetches that Kafka holds
 * until something comes; a few links take turns, so that who comes later need not wait for those who came before.
 */
export class Tail {
  readonly #topic: Topic
  readonly #makeLink: () => Link
  readonly #free: Link[] = []
  readonly #links = new Set<Link>()
  readonly #waiting = new Set<Waiter>()
  #starting: NodeJS.Immediate | undefined

  constructor(topic: Topic, makeLink: () => Link) {
    this.#topic = topic
    this.#makeLink = makeLink
  }

  /** What comes at or after an offset; nothing when that takes too long or the signal aborts. @throws what the client throws */
  async wait(
    { partition, offset, maxBytes }: { partition: number; offset: number; maxBytes: number },
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Fetched | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Fetched | undefined>()
    const waiter = { partition, offset, maxBytes, isDone: false, settle: resolve, fail: reject }
    const stop = () => resolve(undefined)
    const timer = setTimeout(stop, waitMs)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    this.#waiting.add(waiter)
    this.#start()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      waiter.isDone = true
      this.#waiting.delete(waiter)
    }
  }

  /** Soon, so that those who come together are asked for together. */
  #start(): void {
    this.#starting ??= setImmediate(() => {
      this.#starting = undefined
      void this.#poll()
    })
  }

  async #poll(): Promise<void> {
    if (this.#waiting.size === 0) return
    const link = this.#free.pop() ?? this.#newLink()
    if (!link) return
    const waiters = [...this.#waiting]
    this.#waiting.clear()
    try {
      this.#hand(waiters, await fetchFrom(link, this.#topic, askedBy(waiters), pollMs))
      this.#free.push(link)
    } catch (error) {
      this.#links.delete(link)
      link.close()
      for (const { fail } of waiters) fail(error)
    }
    if (this.#waiting.size > 0) this.#start()
  }

  #newLink(): Link | undefined {
    if (this.#links.size >= maxLinks) return undefined
    const link = this.#makeLink()
    this.#links.add(link)
    return link
  }

  #hand(waiters: readonly Waiter[], found: ReadonlyMap<number, Fetched>): void {
    for (const waiter of waiters) {
      if (waiter.isDone) continue
      const fetched = found.get(waiter.partition)
      const last = fetched?.records?.at(-1)
      if (last && Number(last.firstOffset) + last.lastOffsetDelta >= waiter.offset) waiter.settle(fetched)
      else this.#waiting.add(waiter)
    }
  }

  close(): void {
    if (this.#starting) clearImmediate(this.#starting)
    for (const link of this.#links) link.close()
    for (const { settle } of this.#waiting) settle(undefined)
  }
}

/** One request can name a partition once: from the first offset that anyone waits for. */
function askedBy(waiters: readonly Waiter[]) {
  const asked = new Map<number, { partition: number; offset: number; maxBytes: number }>()
  for (const { partition, offset, maxBytes } of waiters) {
    const known = asked.get(partition) ?? { partition, offset, maxBytes }
    const both = { offset: Math.min(known.offset, offset), maxBytes: Math.max(known.maxBytes, maxBytes) }
    asked.set(partition, { partition, ...both })
  }
  return [...asked.values()]
}
