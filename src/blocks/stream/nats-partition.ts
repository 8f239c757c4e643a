import { fetchFrom } from '../../nats/fetch.ts'
import { NatsFault } from '../../nats/faults.ts'
import { firstFrom } from '../../nats/kept.ts'
import type { Link } from '../../nats/link.ts'
import { atomicSince, publishInOrder } from '../../nats/publish.ts'
import { ensureStream, infoOf } from '../../nats/streams.ts'
import type { Appending, Bounds, StoredRecord, StreamDriver } from './driver.ts'
import { publishingOf, recordOf, sizeOf } from './nats-record.ts'

type ReadOptions = Parameters<StreamDriver['read']>[2]

/** A hint may be lost; then the wait is so long. */
const lookAgainMs = 5_000
/** For one call; what is left waits for the next. */
const trimMs = 15_000
/** What the store adds to each message: its frame, the subject, the header's own lines. */
const frameBytes = 60

/** One partition: one JetStream stream with one subject, so that sequence numbers have no gaps. */
export class Partition {
  readonly #link: Link
  readonly #stream: string
  readonly #subject: string
  readonly #news: string
  readonly #isAtomic: boolean

  private constructor(link: Link, { stream, subject, news }: PartitionNames, isAtomic: boolean) {
    this.#link = link
    this.#stream = stream
    this.#subject = subject
    this.#news = news
    this.#isAtomic = isAtomic
  }

  /** What is stored is told, without its payload, to whoever waits for it. */
  static async open(link: Link, names: PartitionNames): Promise<Partition> {
    const { config } = await ensureStream(link, {
      name: names.stream,
      subjects: [names.subject],
      republish: { src: names.subject, dest: names.news, headers_only: true },
      ...(link.isServerAtLeast(atomicSince) && { allow_atomic: true }),
    })
    return new Partition(link, names, config.allow_atomic === true)
  }

  async append(records: readonly Appending[]): Promise<number[]> {
    const seqs = await publishInOrder(this.#link, this.#subject, records.map(publishingOf), this.#isAtomic)
    return seqs.map((seq) => seq - 1)
  }

  async read(offset: number, options: ReadOptions): Promise<StoredRecord[]> {
    const { waitMs, signal } = options
    if (signal.aborted) return []
    const found = await this.#page(offset, options)
    if (found.length > 0 || waitMs <= 0 || signal.aborted) return signal.aborted ? [] : found
    return this.#readWaiting(offset, options)
  }

  async #page(offset: number, { maxRecords, maxBytes }: ReadOptions): Promise<StoredRecord[]> {
    const seq = Math.max(1, offset + 1)
    const records = (await fetchFrom(this.#link, this.#stream, this.#subject, { seq, maxRecords, maxBytes })).map(
      recordOf,
    )
    let bytes = 0
    const beyond = records.findIndex((record, n) => (bytes += sizeOf(record)) > maxBytes && n > 0)
    return beyond < 0 ? records : records.slice(0, beyond)
  }

  /** Listens before it looks, so that nothing comes in between. */
  async #readWaiting(offset: number, options: ReadOptions): Promise<StoredRecord[]> {
    const { waitMs, signal } = options
    const endMs = performance.now() + waitMs
    let news = Promise.withResolvers<void>()
    const wake = () => news.resolve()
    const subscription = this.#link.connection.subscribe(this.#news, { callback: wake })
    const forget = this.#link.onDown(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        const found = signal.aborted ? [] : await this.#page(offset, options)
        const leftMs = endMs - performance.now()
        if (found.length > 0 || leftMs <= 0 || signal.aborted) return signal.aborted ? [] : found
        const timer = setTimeout(wake, Math.min(leftMs, lookAgainMs))
        await news.promise
        clearTimeout(timer)
        news = Promise.withResolvers()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      forget()
      subscription.unsubscribe()
    }
  }

  async bounds(): Promise<Bounds> {
    const { first, last } = await this.#state()
    return { start: first - 1, end: last }
  }

  /** The first offset at or after a time, by halving: one question for each doubling of the partition. */
  async offsetAt(timestamp: number): Promise<number> {
    return (await this.#seqAt(timestamp, await this.#state())) - 1
  }

  async #seqAt(timestamp: number, { first, last }: { first: number; last: number }): Promise<number> {
    let [low, high] = [first, last + 1]
    // The ends are asked most.
    for (let middle = first; low < high; middle = (low + high) >>> 1) {
      const found = await firstFrom(this.#link, this.#stream, this.#subject, middle)
      if (found && found.time.getTime() < timestamp) low = found.seq + 1
      else high = middle
    }
    return low
  }

  async #state(): Promise<{ first: number; last: number; bytes: number; nowMs: number }> {
    const info = await infoOf(this.#link, this.#stream)
    if (!info) throw new NatsFault('internal', `stream ${this.#stream} is gone from JetStream; open the block again`)
    const { first_seq, last_seq, bytes } = info.state
    return { first: Math.max(1, first_seq), last: last_seq, bytes, nowMs: Date.parse(info.ts ?? '') || Date.now() }
  }

  /** Drops the oldest, by the server's clock. Answers how many. */
  async trim({ ms, bytes }: { ms: number | undefined; bytes: number | undefined }): Promise<number> {
    const state = await this.#state()
    const byAge = ms === undefined ? state.first : await this.#seqAt(state.nowMs - ms, state)
    const bySize = bytes === undefined ? state.first : await this.#seqBeyond(state, bytes)
    const seq = Math.max(byAge, bySize)
    if (seq <= state.first) return 0
    const { purged } = await this.#link.manage(({ streams }) => streams.purge(this.#stream, { seq }))
    return purged
  }

  /** The first record that may stay when no more than so many bytes do. */
  async #seqBeyond(
    { first, last, bytes }: { first: number; last: number; bytes: number },
    maxBytes: number,
  ): Promise<number> {
    const endMs = performance.now() + trimMs
    let [seq, left] = [first, bytes]
    while (left > maxBytes && seq < last && performance.now() < endMs) {
      const page = await fetchFrom(this.#link, this.#stream, this.#subject, {
        seq,
        maxRecords: 500,
        maxBytes: 4_194_304,
      })
      if (page.length === 0) break
      for (const each of page) {
        if (left <= maxBytes || each.seq >= last) return each.seq
        left -= sizeOf(recordOf(each)) + this.#subject.length + frameBytes
        seq = each.seq + 1
      }
    }
    return seq
  }
}

export interface PartitionNames {
  stream: string
  subject: string
  /** Core NATS: who waits listens there. */
  news: string
}
