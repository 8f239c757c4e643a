import type { OpenContext, Schema } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { settledWithin } from '../../deadline.ts'
import { AshlarError } from '../../errors.ts'
import { Lines } from '../../lease/lines.ts'
import { Outbox } from '../../lease/outbox.ts'
import { checkBatch } from '../../lease/payload.ts'
import type { Transaction } from '../../postgres/sql.ts'
import { traceHeaders } from '../../telemetry.ts'
import type { Asking } from './asking.ts'
import type { Offset, StreamDriver } from './driver.ts'
import { checkKey, draftsOf, type Draft, type Sized } from './records.ts'
import { Spread } from './spread.ts'

/** What a record needs besides its value, for a bound on how many go out at once. */
const recordBytes = 100
const lines = { maxBatch: 1_000, maxBytes: 4 * 1024 ** 2, maxWaiting: 100_000 }
const closeMs = 4_000

/** The ways of a value into the log: with others in one batch, or through the outbox of the caller's transaction. */
export class Appender<T> {
  readonly #what: string
  readonly #maxBytes: number
  readonly #schema: Schema<T> | undefined
  readonly #lines: Lines<readonly Draft[], unknown>
  readonly #outbox: Outbox<Draft> | undefined

  static async open<T>(
    context: OpenContext,
    { driver, asking, schema }: { driver: StreamDriver; asking: Asking; schema: Schema<T> | undefined },
  ): Promise<Appender<T>> {
    const spread = new Spread(driver.partitions)
    // The relay must see whether an error passes by itself, so it is wrapped here.
    const append = (drafts: readonly Draft[]) => asking.wait('append', () => driver.append(spread.batch(drafts)))
    // Also where the engine is that very database: an append holds the lock of its partition to the commit.
    const databaseUrl = context.databaseUrl ?? (asking.driver === 'postgres' ? context.url : undefined)
    const outbox = await Outbox.open<Draft>(
      `stream:${engineName(context)}`,
      databaseUrl === undefined ? context : { ...context, databaseUrl },
      undefined,
      (entrusted) => append(entrusted.map(({ message }) => message)),
    )
    return new Appender(`stream '${context.name}'`, driver.capabilities.maxBytes, schema, append, outbox)
  }

  private constructor(
    what: string,
    maxBytes: number,
    schema: Schema<T> | undefined,
    append: (drafts: readonly Draft[]) => Promise<Offset[]>,
    outbox: Outbox<Draft> | undefined,
  ) {
    this.#what = what
    this.#maxBytes = maxBytes
    this.#schema = schema
    this.#outbox = outbox
    this.#lines = new Lines(async (calls) => (await append(calls.flat()), calls), lines)
  }

  async append(values: readonly { value: T; key: string | undefined }[], tx: Transaction | undefined): Promise<void> {
    const of = { schema: this.#schema, maxBytes: this.#maxBytes, headers: traceHeaders() }
    const drafts = await draftsOf(this.#what, values, of)
    await this.#send(drafts, checkBatch(this.#what, drafts), tx)
  }

  async remove(key: string, tx: Transaction | undefined): Promise<void> {
    const draft = { key: checkKey(this.#what, key), body: null, headers: traceHeaders() }
    await this.#send([{ draft, bytes: 0 }], 0, tx)
  }

  /** One line for all, so that what is appended without waiting keeps its order. */
  async #send(sized: readonly Sized[], bytes: number, tx: Transaction | undefined): Promise<void> {
    const drafts = sized.map(({ draft }) => draft)
    if (drafts.length === 0) return
    if (!tx) return void (await this.#lines.add(drafts, bytes + drafts.length * recordBytes))
    if (!this.#outbox?.covers(tx))
      throw new AshlarError(
        'unsupported',
        `${this.#what} cannot take part in a transaction of ${tx.origin}: its outbox is in the service's own database; ` +
          'use a transaction of that one, or leave out { tx }',
      )
    await this.#outbox.add(tx, drafts)
  }

  async close(): Promise<void> {
    await settledWithin(this.#lines.idle(), closeMs)
    await this.#outbox?.close()
  }
}
