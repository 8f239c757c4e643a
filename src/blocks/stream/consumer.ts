import type { Log } from '../../block.ts'
import { settledWithin } from '../../deadline.ts'
import { AshlarError, describe } from '../../errors.ts'
import { pause } from '../../lease/retry.ts'
import { count } from '../../telemetry.ts'
import type { Assignment, Membership, Offset } from './driver.ts'
import { Lane, type LaneSetup } from './lane.ts'
import type { Consumer } from './stream.ts'

export interface ConsumerSetup extends Omit<LaneSetup, 'commit' | 'paused' | 'onLost'> {
  sessionMs: number
  log: Log
  /** @param changed to be called when a heartbeat would tell something new */
  join(changed: () => void): Promise<Membership>
  heartbeat(membership: Membership, holding: boolean): Promise<Assignment>
  commit(membership: Membership, generation: number, offsets: ReadonlyMap<number, Offset>): Promise<void>
  onClose(): void
}

/** How long handlers may go on while the rest of the group waits for them. */
const rebalanceMs = 30_000
/** How long `close` waits for handlers, then for those that were aborted, then for the engine. */
const drainMs = 6_000
const abortedMs = 1_000
const leaveMs = 2_000
const fastestBeatMs = 20

/** A member of a consumer group: beats, and has a lane for each partition that it owns. */
export class GroupConsumer implements Consumer {
  readonly #setup: ConsumerSetup
  readonly #lanes = new Map<number, Lane>()
  /** Lanes that no longer count but have not ended, by partition: their successor waits for them. */
  readonly #leftovers = new Map<number, Promise<unknown>>()
  #membership!: Membership
  #beating: Promise<void> | undefined
  #generation: number | undefined
  #heardMs = performance.now()
  #settlingSince: number | undefined
  #soon = new AbortController()
  #failures = 0
  #paused: PromiseWithResolvers<void> | undefined
  #left = false
  #closing: Promise<void> | undefined

  /** @throws what joining throws */
  static async open(setup: ConsumerSetup): Promise<GroupConsumer> {
    const consumer = new GroupConsumer(setup)
    consumer.#membership = await setup.join(() => consumer.#beatSoon())
    consumer.#heardMs = performance.now()
    consumer.#beating = consumer.#beat()
    return consumer
  }

  private constructor(setup: ConsumerSetup) {
    this.#setup = setup
  }

  get group(): string {
    return this.#setup.group
  }

  get running(): boolean {
    return !this.#paused && !this.#closing
  }

  get partitions(): readonly number[] {
    return [...this.#lanes.keys()].sort((a, b) => a - b)
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #beatSoon(): void {
    this.#soon.abort()
  }

  async #beat(): Promise<void> {
    while (!this.#left) {
      this.#soon = new AbortController()
      const { signal } = this.#soon
      const waitMs = await this.#beatOnce()
      await pause(fastestBeatMs)
      if (!this.#left) await pause(waitMs - fastestBeatMs, signal)
    }
  }

  /** Answers when the next one is due. */
  async #beatOnce(): Promise<number> {
    const { sessionMs } = this.#setup
    const askedMs = performance.now()
    try {
      const assignment = await this.#setup.heartbeat(this.#membership, this.#lanes.size > 0)
      this.#heardMs = askedMs
      this.#failures = 0
      this.#apply(assignment)
      return assignment.settling ? Math.min(250, sessionMs / 10) : sessionMs / 3
    } catch (error) {
      this.#noteSilence(error)
      return Math.min(sessionMs / 3, 100 * 2 ** this.#failures++)
    }
  }

  /** Once the session must have ended our partitions may be another's. */
  #noteSilence(error: unknown): void {
    const { block, group, log, sessionMs } = this.#setup
    if (this.#failures === 0) log.warn({ block, group, error: describe(error) }, 'stream: no heartbeat; trying on')
    if (performance.now() - this.#heardMs > sessionMs) this.#dropLanes('the session of this group member has ended')
  }

  #apply({ generation, partitions, settling }: Assignment): void {
    if (settling) return this.#letGo()
    this.#settlingSince = undefined
    if (generation === this.#generation || this.#closing) return
    const { block, group } = this.#setup
    count('ashlar_stream_rebalances_total', 'New generations of a group, as its members saw them', { block, group })
    this.#dropLanes('this partition may be another group member’s now')
    this.#generation = generation
    for (const partition of partitions) this.#begin(partition, generation)
  }

  /** A rebalance waits for us: no new batches; those under way may end, within bounds. */
  #letGo(): void {
    this.#settlingSince ??= performance.now()
    for (const lane of this.#lanes.values()) lane.stop()
    if (performance.now() - this.#settlingSince > rebalanceMs)
      this.#dropLanes(`the rest of the group has waited ${rebalanceMs} ms for this handler`)
  }

  #begin(partition: number, generation: number): void {
    const commit = (of: number, next: Offset) => this.#setup.commit(this.#membership, generation, new Map([[of, next]]))
    const setup: LaneSetup = {
      ...this.#setup,
      commit,
      position: async (of) => {
        const next = await this.#setup.position(of)
        await commit(of, next) // so that a group that begins at the end has a place, whatever happens next
        return next
      },
      paused: () => this.#paused?.promise,
      onLost: () => this.#beatSoon(),
    }
    const lane = new Lane(partition, setup, this.#leftovers.get(partition) ?? Promise.resolve())
    this.#lanes.set(partition, lane)
    void lane.whenEnded.then(() => {
      if (this.#lanes.get(partition) === lane) this.#lanes.delete(partition)
      if (this.#lanes.size === 0) this.#beatSoon()
    })
  }

  /** What still runs in them is aborted and will not be committed. */
  #dropLanes(why: string): void {
    for (const [partition, lane] of this.#lanes) {
      lane.abort(new AshlarError('conflict', why, { block: this.#setup.block }))
      const leftover = Promise.all([this.#leftovers.get(partition), lane.whenEnded])
      this.#leftovers.set(partition, leftover)
      void leftover.then(() => this.#leftovers.get(partition) === leftover && this.#leftovers.delete(partition))
    }
    this.#lanes.clear()
    this.#generation = undefined
  }

  async #close(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    for (const lane of lanes) lane.stop()
    const ended = Promise.all(lanes.map(({ whenEnded }) => whenEnded))
    if (!(await settledWithin(ended, drainMs))) {
      this.#dropLanes('the consumer stops and cannot wait any longer')
      await settledWithin(ended, abortedMs)
    }
    this.#left = true
    this.#beatSoon()
    await settledWithin(this.#leave(), leaveMs)
    this.#setup.onClose()
  }

  async #leave(): Promise<void> {
    await this.#beating // a beat after leaving would join again
    await this.#membership.leave()
  }
}
