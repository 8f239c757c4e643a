import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'
import { AshlarError } from '../../errors.ts'
import { inTurn } from '../../postgres/sql.ts'
import { OpenTransaction } from '../../postgres/transaction.ts'
import type { DatabaseTransaction } from './database.ts'
import { answer, callOf, lend, send, type Call } from './lend.ts'
import { templates, type Templates } from './template.ts'
import { mayWrite } from './writes.ts'

/** How deep we are: each savepoint is a level, and the parts of a level take turns. */
interface Level {
  tx: BlockTransaction
  depth: number
  last: Promise<unknown>
}

/** What query builders send for a transaction of their own: here it would end that of the caller. */
const endsIt =
  /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(begin|start\s+transaction|commit|end|abort|rollback(?!\s+to)|prepare\s+transaction)\b/i

const current = new AsyncLocalStorage<Level>()

/** The transaction that the code under way runs in, if it is of this database and has not ended. */
export function currentTransaction(owner: object): BlockTransaction | undefined {
  const tx = current.getStore()?.tx
  return tx && tx.owner === owner && !tx.ended ? tx : undefined
}

/** A transaction as an application has it. */
export class BlockTransaction extends OpenTransaction implements DatabaseTransaction {
  readonly owner: object
  readonly options = {}
  readonly one: Templates['one']
  readonly maybe: Templates['maybe']
  readonly many: Templates['many']
  readonly run: Templates['run']
  readonly query: pg.Pool['query']
  readonly #root: Level
  #wrote = false

  constructor(
    client: pg.PoolClient,
    origin: string,
    owner: object,
    wrapped: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    super(client, origin)
    this.owner = owner
    this.#root = { tx: this, depth: 0, last: Promise.resolve() }
    const templated = templates((statement) => wrapped(() => this.#run(callOf([statement]))))
    ;({ one: this.one, maybe: this.maybe, many: this.many, run: this.run } = templated)
    this.query = ((...given: unknown[]) => {
      const call = callOf(given)
      return answer(call, this.#run(call))
    }) as pg.Pool['query']
  }

  /** Whether a statement may have written; those of other blocks count as writes. */
  get wrote(): boolean {
    return this.#wrote || this.sqlUsed
  }

  /** Runs the transaction's work so that a transaction inside of it knows where it is. */
  within<T>(work: (tx: BlockTransaction) => Promise<T>): Promise<T> {
    return current.run(this.#root, () => work(this))
  }

  async transaction<T>(work: (tx: DatabaseTransaction) => Promise<T>): Promise<T> {
    const here = current.getStore()
    const level = here?.tx === this ? here : this.#root
    const turn = level.last.then(() => this.#part(level.depth + 1, work))
    level.last = turn.catch(() => undefined)
    return turn
  }

  #part<T>(depth: number, work: (tx: DatabaseTransaction) => Promise<T>): Promise<T> {
    const level: Level = { tx: this, depth, last: Promise.resolve() }
    return current.run(level, () => this.savepoint(`ashlar_${depth}`, () => work(this)))
  }

  async connect(): Promise<pg.PoolClient> {
    return this.use((client) =>
      lend(client as pg.PoolClient, { run: (call) => this.#run(call), release: () => undefined }),
    )
  }

  /** For query builders that are done with their pool: it is the transaction's caller that ends it. */
  async end(): Promise<void> {}

  async #run(call: Call): Promise<pg.QueryResult> {
    const [, control] = endsIt.exec(call.text) ?? []
    if (control !== undefined)
      throw new AshlarError(
        'unsupported',
        `'${control}' inside of db.transaction would end or confuse it; for a part that may fail alone use tx.transaction(…)`,
      )
    return this.use(async (client) => {
      const result = await inTurn(client, () => send(client, call))
      this.#wrote ||= mayWrite(call.text, result.command)
      return result
    })
  }
}
