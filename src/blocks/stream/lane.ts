import type { Log } from '../../block.ts'
import { describe, isAshlarError } from '../../errors.ts'
import { GiveUp, pause, retryDelayMs } from '../../lease/retry.ts'
import { count } from '../../telemetry.ts'
import { after, type Offset, type ParkedRecord, type StoredRecord } from './driver.ts'

/** What a lane asks of its consumer; what the driver throws comes wrapped. */
export interface LaneSetup {
  block: string
  group: string
  batch: number
  poison: 'stop' | 'park'
  log: Log
  read(partition: number, offset: Offset, maxRecords: number, signal: AbortSignal): Promise<StoredRecord[]>
  /** How many records retention has dropped between two offsets. */
  dropped(partition: number, from: Offset, to: Offset): Promise<number>
  /** Where the group goes on in a partition. */
  position(partition: number): Promise<Offset>
  /** Stores the next offset to read. @throws `conflict` when the partition is another member's now */
  commit(partition: number, next: Offset): Promise<void>
  handle(partition: number, records: readonly StoredRecord[], context: Context): Promise<void>
  park(record: ParkedRecord): Promise<void>
  /** While paused: resolves when that has ended. */
  paused(): Promise<void> | undefined
  /** A commit was refused: the consumer should hear what it owns now. */
  onLost(): void
}

interface Context {
  signal: AbortSignal
  skipped: number
}

const readAhead = 1_000
/** Attempts at one record until it is parked. */
const parkAfter = 5
const backoff = { backoffMs: 100, maxBackoffMs: 30_000 }

/** One partition as long as it is ours: reads, hands over, commits, in order, one batch after the other. */
export class Lane {
  readonly partition: number
  readonly whenEnded: Promise<void>
  readonly #setup: LaneSetup
  readonly #stopping = new AbortController()
  readonly #abort = new AbortController()
  #next: Offset = 0
  #skipped = 0
  #failures = 0

  /** @param after begins when this has ended: another lane of the same partition */
  constructor(partition: number, setup: LaneSetup, after: Promise<unknown>) {
    this.partition = partition
    this.#setup = setup
    this.whenEnded = this.#run(after)
  }

  /** Reads no more; the batch under way is finished and committed. */
  stop(): void {
    this.#stopping.abort()
  }

  /** The batch under way is not waited for any longer, and not committed. */
  abort(reason: unknown): void {
    this.#stopping.abort()
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async #run(after: Promise<unknown>): Promise<void> {
    await after
    let isPlaced = false
    while (!this.#stopped) {
      try {
        if (!isPlaced) this.#next = await this.#setup.position(this.partition)
        isPlaced = true
        await this.#turn()
        this.#failures = 0
      } catch (error) {
        if (this.#isOver(error)) return
        await this.#troubled(error)
        // What we believed may be wrong after a failover: go on from what is committed.
        isPlaced = false
      }
    }
  }

  #isOver(error: unknown): boolean {
    if (!isAshlarError(error, 'conflict')) return false
    this.stop()
    this.#setup.onLost()
    return true
  }

  async #troubled(error: unknown): Promise<void> {
    const { block, group, log } = this.#setup
    const fields = { block, group, partition: this.partition, error: describe(error) }
    if (this.#failures === 0) log.warn(fields, 'stream: cannot read or commit; trying again until it works')
    await pause(retryDelayMs(++this.#failures, { backoffMs: 100, maxBackoffMs: 5_000 }), this.#stopping.signal)
  }

  async #turn(): Promise<void> {
    const { batch } = this.#setup
    await this.#whilePaused()
    if (this.#stopped) return
    const records = await this.#setup.read(
      this.partition,
      this.#next,
      Math.max(batch, readAhead),
      this.#stopping.signal,
    )
    if (records[0] && records[0].offset > this.#next) await this.#noteGap(records[0].offset)
    for (let at = 0; at < records.length && !this.#stopped; at += batch) {
      await this.#whilePaused()
      if (this.#stopped) return
      await this.#work(records.slice(at, at + batch))
    }
  }

  async #whilePaused(): Promise<void> {
    for (let paused; (paused = this.#setup.paused()) && !this.#stopped;)
      await Promise.race([paused, aborted(this.#stopping.signal)])
  }

  /** Offsets may have gaps; only what lay below the log's start was there once and is lost to this group. */
  async #noteGap(first: Offset): Promise<void> {
    const skipped = await this.#setup.dropped(this.partition, this.#next, first)
    if (skipped <= 0) return
    const { block, group, log } = this.#setup
    this.#skipped += skipped
    count(
      'ashlar_stream_skipped_total',
      'Records dropped by retention before a group read them',
      { block, group },
      skipped,
    )
    log.warn(
      { block, group, partition: this.partition, skipped },
      'stream: retention dropped records before they were read',
    )
  }

  async #work(records: readonly StoredRecord[]): Promise<void> {
    const isDone =
      this.#setup.poison === 'park' ? await this.#handleOrPark(records) : await this.#handleForEver(records)
    if (isDone) await this.#done(after(records.at(-1)!.offset), records.length)
  }

  async #done(next: Offset, handled: number): Promise<void> {
    const { block, group } = this.#setup
    if (this.#abort.signal.aborted) return
    await this.#commit(next)
    this.#next = next
    this.#skipped = 0
    count('ashlar_stream_handled_total', 'Records handled and committed', { block, group }, handled)
  }

  /** Tries on while the engine is away: what was handled should not be handled again. */
  async #commit(next: Offset): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#setup.commit(this.partition, next)
      } catch (error) {
        if (!isAshlarError(error) || !error.retryable || this.#stopped || attempt >= 10) throw error
        await pause(retryDelayMs(attempt, { backoffMs: 100, maxBackoffMs: 2_000 }), this.#stopping.signal)
      }
    }
  }

  /** One attempt. Answers the error, or `undefined`. */
  async #attempt(records: readonly StoredRecord[]): Promise<{ error: unknown } | undefined> {
    const { block, group, log } = this.#setup
    try {
      await this.#setup.handle(this.partition, records, { signal: this.#abort.signal, skipped: this.#skipped })
      return undefined
    } catch (error) {
      count('ashlar_stream_failures_total', 'Failed handler calls', { block, group })
      const fields = {
        block,
        group,
        partition: this.partition,
        offset: String(records[0]!.offset),
        error: describe(error),
      }
      log.warn(fields, 'stream: the handler failed')
      return { error }
    }
  }

  /** Answers false when it was stopped before it worked. */
  async #handleForEver(records: readonly StoredRecord[]): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      if (!(await this.#attempt(records))) return true
      await pause(retryDelayMs(attempt, backoff), this.#stopping.signal)
      if (this.#stopped) return false
    }
  }

  /** A batch that fails goes on record by record, so that only those that fail are parked. */
  async #handleOrPark(records: readonly StoredRecord[]): Promise<boolean> {
    if (records.length > 1 && !(await this.#attempt(records))) return true
    for (const record of records) {
      if (!(await this.#handleOne(record))) return false
      if (record !== records.at(-1)) await this.#done(after(record.offset), 1)
    }
    return true
  }

  async #handleOne(record: StoredRecord): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      if (this.#stopped && attempt > 1) return false
      const failed = await this.#attempt([record])
      if (!failed) return true
      if (attempt >= parkAfter || failed.error instanceof GiveUp) return this.#park(record, failed.error)
      await pause(retryDelayMs(attempt, backoff), this.#stopping.signal)
    }
  }

  async #park(record: StoredRecord, error: unknown): Promise<boolean> {
    const { block, group, log } = this.#setup
    if (this.#abort.signal.aborted) return false
    await this.#setup.park({ ...record, partition: this.partition, error: describe(error, 2_000) })
    count('ashlar_stream_parked_total', 'Records set aside', { block, group })
    log.error(
      { block, group, partition: this.partition, offset: String(record.offset), error: describe(error) },
      'stream: parked',
    )
    return true
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
