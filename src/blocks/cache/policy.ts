/** Which entries stay when there is room for so many only. */
export interface Policy<Value> {
  readonly size: number
  /** Counts as a use, found or not. */
  get(key: string): Value | undefined
  /** May drop others, or this very entry at once; each is told to `onDrop` of the constructor. */
  set(key: string, value: Value): void
  /** The caller knows: not told to `onDrop`. */
  delete(key: string): Value | undefined
  /** Drops the one that is worth least. False when empty. */
  evict(): boolean
  clear(): void
}

export type OnDrop<Value> = (key: string, value: Value) => void

/** Least recently used goes first. The order of the map is that of last use. */
export class Lru<Value> implements Policy<Value> {
  readonly #entries = new Map<string, Value>()
  readonly #capacity: number
  readonly #onDrop: OnDrop<Value>

  constructor(capacity: number, onDrop: OnDrop<Value>) {
    this.#capacity = capacity
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#capacity) this.evict()
  }

  delete(key: string): Value | undefined {
    const value = this.#entries.get(key)
    this.#entries.delete(key)
    return value
  }

  evict(): boolean {
    const oldest = this.#entries.entries().next().value
    if (!oldest) return false
    this.#entries.delete(oldest[0])
    this.#onDrop(...oldest)
    return true
  }

  clear(): void {
    this.#entries.clear()
  }
}
