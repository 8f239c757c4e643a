import type { OpenContext } from '../block.ts'
import { engineName } from '../declare.ts'
import { settledWithin } from '../deadline.ts'
import { AshlarError } from '../errors.ts'
import type { Transaction } from '../postgres/sql.ts'
import { Lines } from './lines.ts'
import { Outbox, type Entrusted } from './outbox.ts'

export interface SenderSetup<M> {
  kind: string
  context: OpenContext
  /** The database whose transactions the driver takes part in. */
  origin: string | undefined
  send(messages: readonly M[], tx?: Transaction): Promise<string[]>
  /** Sends what a transaction entrusted to the outbox; it may come twice. */
  sendEntrusted(entrusted: readonly Entrusted<M>[]): Promise<unknown>
}

const limits = { maxBatch: 1_000, maxBytes: 8 * 1024 ** 2, maxWaiting: 100_000 }
const closeMs = 2_000

/** The ways of a message to its engine: alone, together with others, within a transaction, through the outbox. */
export class Sender<M extends { key?: string }> {
  readonly #setup: SenderSetup<M>
  readonly #lines: Lines<M, string>
  readonly #outbox: Outbox<M> | undefined

  private constructor(setup: SenderSetup<M>, outbox: Outbox<M> | undefined) {
    this.#setup = setup
    this.#outbox = outbox
    this.#lines = new Lines((messages) => setup.send(messages), limits)
  }

  static async open<M extends { key?: string }>(setup: SenderSetup<M>): Promise<Sender<M>> {
    const { kind, context, origin } = setup
    const target = `${kind}:${engineName(context)}`
    return new Sender(setup, await Outbox.open<M>(target, context, origin, (each) => setup.sendEntrusted(each)))
  }

  /** @param line single messages of one line keep their order; other lines never wait for it */
  async send(messages: readonly M[], bytes: number, line: string, tx: Transaction | undefined): Promise<string[]> {
    if (tx) return this.#sendWithin(tx, messages)
    if (messages.length === 1) return [await this.#lines.add(messages[0]!, bytes, line)]
    return this.#setup.send(messages)
  }

  #sendWithin(tx: Transaction, messages: readonly M[]): Promise<string[]> {
    if (this.#setup.origin === tx.origin) return this.#setup.send(messages, tx)
    if (this.#outbox?.covers(tx)) return this.#outbox.add(tx, messages)
    const { kind, context } = this.#setup
    throw new AshlarError(
      'unsupported',
      `${kind} '${context.name}' cannot take part in a transaction of ${tx.origin}: neither its engine nor DATABASE_URL is ` +
        'that database; use a transaction of one of these, or leave out { tx }',
    )
  }

  async close(): Promise<void> {
    await settledWithin(this.#lines.idle(), closeMs)
    await this.#outbox?.close()
  }
}
