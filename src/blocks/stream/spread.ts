import type { Appending } from './driver.ts'
import { partitionOf } from './murmur2.ts'
import type { Draft } from './records.ts'

/** Chooses partitions: by the key where there is one, else one for a whole batch, the next one for the next batch. */
export class Spread {
  readonly #partitions: number
  #turn: number

  constructor(partitions: number, start = Math.floor(Math.random() * partitions)) {
    this.#partitions = partitions
    this.#turn = start
  }

  batch(drafts: readonly Draft[]): Appending[] {
    const timestamp = Date.now()
    const keyless = drafts.some(({ key }) => key === undefined) ? this.#next() : 0
    return drafts.map(({ key, body, headers }) => {
      const bytes = key === undefined ? null : Buffer.from(key)
      const value = body === null ? null : Buffer.from(body)
      const partition = bytes === null ? keyless : partitionOf(bytes, this.#partitions)
      return { partition, key: bytes, value, headers, timestamp }
    })
  }

  #next(): number {
    this.#turn = (this.#turn + 1) % this.#partitions
    return this.#turn
  }
}
