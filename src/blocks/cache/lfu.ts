import type { OnDrop, Policy } from './policy.ts'
import { Sketch } from './sketch.ts'

type Entries<Value> = Map<string, Value>

/**
 * W-TinyLFU (Einziger, Friedman, Manes 2017): a newcomer enters a small window (1 %); when it is pushed out of it, it gets into
 * the main part only if it was asked for more often than the entry that would have to go. The main part is a segmented LRU: what is
 * used again moves from probation to the protected four fifths. So one scan over many keys does not empty the cache.
 */
export class TinyLfu<Value> implements Policy<Value> {
  readonly #window: Entries<Value> = new Map()
  readonly #probation: Entries<Value> = new Map()
  readonly #protected: Entries<Value> = new Map()
  readonly #sketch: Sketch
  readonly #windowSize: number
  readonly #mainSize: number
  readonly #protectedSize: number
  readonly #onDrop: OnDrop<Value>

  constructor(capacity: number, onDrop: OnDrop<Value>) {
    this.#windowSize = Math.max(1, Math.floor(capacity / 100))
    this.#mainSize = capacity - this.#windowSize
    this.#protectedSize = Math.floor(this.#mainSize * 0.8)
    this.#sketch = new Sketch(capacity)
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#window.size + this.#probation.size + this.#protected.size
  }

  get(key: string): Value | undefined {
    this.#sketch.increment(key)
    const value = touch(this.#window, key) ?? touch(this.#protected, key)
    return value ?? this.#promote(key)
  }

  set(key: string, value: Value): void {
    for (const part of [this.#window, this.#probation, this.#protected])
      if (part.has(key)) return void part.set(key, value)
    this.#window.set(key, value)
    if (this.#window.size > this.#windowSize) this.#leaveWindow()
  }

  delete(key: string): Value | undefined {
    for (const part of [this.#window, this.#probation, this.#protected]) {
      const value = part.get(key)
      if (part.delete(key)) return value
    }
    return undefined
  }

  evict(): boolean {
    const part = [this.#probation, this.#protected, this.#window].find(({ size }) => size > 0)
    if (part) this.#drop(part, oldest(part)!)
    return part !== undefined
  }

  clear(): void {
    for (const part of [this.#window, this.#probation, this.#protected]) part.clear()
    this.#sketch.clear()
  }

  #promote(key: string): Value | undefined {
    const value = this.#probation.get(key)
    if (value === undefined || this.#protectedSize === 0) return value
    this.#probation.delete(key)
    this.#protected.set(key, value)
    if (this.#protected.size > this.#protectedSize) move(this.#protected, this.#probation, oldest(this.#protected)!)
    return value
  }

  /** The oldest of the window competes with the oldest on probation; the one that was asked for less often goes. */
  #leaveWindow(): void {
    const candidate = oldest(this.#window)!
    if (this.#probation.size + this.#protected.size < this.#mainSize)
      return move(this.#window, this.#probation, candidate)
    const from = this.#probation.size > 0 ? this.#probation : this.#protected
    const victim = oldest(from)
    if (victim === undefined || this.#sketch.estimate(candidate) <= this.#sketch.estimate(victim))
      return this.#drop(this.#window, candidate)
    this.#drop(from, victim)
    move(this.#window, this.#probation, candidate)
  }

  #drop(part: Entries<Value>, key: string): void {
    const value = part.get(key)!
    part.delete(key)
    this.#onDrop(key, value)
  }
}

function oldest(part: Map<string, unknown>): string | undefined {
  return part.keys().next().value
}

function touch<Value>(part: Entries<Value>, key: string): Value | undefined {
  const value = part.get(key)
  if (value !== undefined) move(part, part, key)
  return value
}

function move<Value>(from: Entries<Value>, to: Entries<Value>, key: string): void {
  const value = from.get(key)!
  from.delete(key)
  to.set(key, value)
}
