const rows = 4
const most = 15

/**
 * A count-min sketch: about how often each key was seen lately, in a fixed amount of memory. Never too low, sometimes too high.
 * After ten times its capacity of increments all counts are halved, so that what was popular once gives way.
 */
export class Sketch {
  readonly #counts: Uint8Array
  readonly #mask: number
  readonly #sample: number
  #seen = 0

  constructor(capacity: number) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(64, capacity * 2)))
    this.#counts = new Uint8Array(width * rows)
    this.#mask = width - 1
    this.#sample = Math.max(640, capacity * 10)
  }

  increment(key: string): void {
    const [start, step] = hashes(key)
    for (let row = 0; row < rows; row++) {
      const at = this.#place(start, step, row)
      if (this.#counts[at]! < most) this.#counts[at]!++
    }
    if (++this.#seen >= this.#sample) this.#age()
  }

  estimate(key: string): number {
    const [start, step] = hashes(key)
    let least = most
    for (let row = 0; row < rows; row++) least = Math.min(least, this.#counts[this.#place(start, step, row)]!)
    return least
  }

  clear(): void {
    this.#counts.fill(0)
    this.#seen = 0
  }

  #place(start: number, step: number, row: number): number {
    return row * (this.#mask + 1) + ((Math.imul(step, row) + start) & this.#mask)
  }

  #age(): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! >>= 1
    this.#seen >>= 1
  }
}

/** Two 32-bit hashes (FNV-1a, finished by murmur's mixer); the second is odd, so that the rows differ. */
function hashes(key: string): [number, number] {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  const first = mix(hash)
  return [first, mix(first ^ 0x9e3779b9) | 1]
}

function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
