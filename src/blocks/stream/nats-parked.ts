import { fetchFrom, type Fetched } from '../../nats/fetch.ts'
import { firstFrom, isConflict, writeKept } from '../../nats/kept.ts'
import type { Link } from '../../nats/link.ts'
import { countOf, infoOf } from '../../nats/streams.ts'
import type { ParkedRecord } from './driver.ts'
import type { Places } from './nats-places.ts'
import { partsOf, publishingOf } from './nats-record.ts'

const atOnce = 500
const pageBytes = 8 * 1024 ** 2

/** Records that groups have set aside: each under a subject of its own, so that the second of the same is refused. */
export class Parked {
  readonly #link: Link
  readonly #places: Places

  constructor(link: Link, places: Places) {
    this.#link = link
    this.#places = places
  }

  async park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    for (const record of records) {
      const { payload, fields } = publishingOf(record)
      const { partition, error } = record
      const offset = Number(record.offset)
      const more = { 'Ashlar-Record': JSON.stringify({ partition, offset, timestamp: record.timestamp, error }) }
      const subject = this.#places.parkedRecord(group, partition, offset)
      await writeKept(this.#link, subject, payload, 0, { ...fields, ...more }).catch((failure: unknown) => {
        if (!isConflict(failure)) throw failure
      })
    }
  }

  async parked(group: string, limit: number): Promise<ParkedRecord[]> {
    const found: Fetched[] = []
    const subject = this.#places.parkedOf(group)
    for (let seq = 1; found.length < limit;) {
      const maxRecords = Math.min(atOnce, limit - found.length)
      const page = await fetchFrom(this.#link, this.#places.parked, subject, { seq, maxRecords, maxBytes: pageBytes })
      if (page.length === 0) break
      found.push(...page)
      seq = page.at(-1)!.seq + 1
    }
    return found.map(parkedOf)
  }

  count(group: string): Promise<number> {
    return countOf(this.#link, this.#places.parked, this.#places.parkedOf(group))
  }

  /** Drops what was parked so long ago, by the server's clock. */
  async trim(ms: number): Promise<void> {
    const info = await infoOf(this.#link, this.#places.parked)
    if (!info || info.state.messages === 0) return
    const before = (Date.parse(info.ts ?? '') || Date.now()) - ms
    let [low, high] = [info.state.first_seq, info.state.last_seq + 1]
    for (let middle = low; low < high; middle = (low + high) >>> 1) {
      const found = await firstFrom(this.#link, this.#places.parked, this.#places.everyParked, middle)
      if (found && found.time.getTime() < before) low = found.seq + 1
      else high = middle
    }
    if (low > info.state.first_seq)
      await this.#link.manage(({ streams }) => streams.purge(this.#places.parked, { seq: low }))
  }
}

function parkedOf(fetched: Fetched): ParkedRecord {
  const written = fetched.headers?.get('Ashlar-Record') ?? '{}'
  const { partition, offset, timestamp, error } = JSON.parse(written) as Omit<ParkedRecord, 'key' | 'value' | 'headers'>
  return { ...partsOf(fetched), partition, offset, timestamp, error }
}
