import pg from 'pg'
import { AshlarError } from '../../errors.ts'
import { writtenUpTo } from '../../postgres/consistency.ts'
import { isLost } from '../../postgres/reach.ts'
import type { Reader } from './database.ts'
import { answer, callOf, checkOut, send, type Call } from './lend.ts'
import { Unreachable, type Member } from './member.ts'
import type { Primary } from './primary.ts'
import type { Choice, Reason, Replicas } from './replicas.ts'
import { templates, type Templates } from './template.ts'
import { writeIn } from './writes.ts'

export interface ReaderOptions {
  primary: Primary
  replicas: Replicas
  acquireMs: number
  /** Runs an operation and wraps its errors. */
  wrapped<T>(work: () => Promise<T>): Promise<T>
  /** Runs an operation and leaves its errors as they are. */
  observed<T>(work: () => Promise<T>): Promise<T>
  /** Tells which way a read went. */
  count(to: 'replica' | 'primary', reason: Reason): void
}

/** Reads: on a replica when that is safe, else on the primary. The name holds "Pool" because Drizzle looks for it. */
export class ReaderPool extends pg.Pool implements Reader {
  readonly one: Templates['one']
  readonly maybe: Templates['maybe']
  readonly many: Templates['many']
  readonly run: Templates['run']
  readonly #of: ReaderOptions

  constructor(of: ReaderOptions) {
    super({ max: 1 })
    this.#of = of
    withoutClient(this)
    const templated = templates((statement) => of.wrapped(() => this.#read(callOf([statement]))))
    ;({ one: this.one, maybe: this.maybe, many: this.many, run: this.run } = templated)
    this.query = ((...given: unknown[]) => {
      const call = callOf(given)
      return answer(
        call,
        of.observed(() => this.#read(call)),
      )
    }) as pg.Pool['query']
  }

  override connect(): Promise<pg.PoolClient>
  override connect(
    callback: (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: Error | boolean) => void,
    ) => void,
  ): void
  override connect(
    callback?: (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: Error | boolean) => void,
    ) => void,
  ): Promise<pg.PoolClient> | void {
    const connecting = checkOut(
      (work) => this.#route(work),
      async (client, call) => {
        refuseWrite(call)
        return send(client, call)
      },
    )
    if (!callback) return connecting
    return hand(connecting, callback)
  }

  /** The block closes its connections; a query builder on top of it does not. */
  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | void {
    if (!callback) return Promise.resolve()
    queueMicrotask(callback)
  }

  async #read(call: Call): Promise<pg.QueryResult> {
    refuseWrite(call)
    return this.#route((client) => send(client, call))
  }

  /**
   * Tries the replicas that are fit, each once, then the primary. Only lost connections, and what a replica alone suffers
   * from, go on to the next one: an error in the statement would be the same everywhere.
   */
  async #route<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const tried = new Set<Member>()
    let choice = await this.#choose(tried)
    while (choice.member) {
      const { member } = choice
      try {
        const result = await member.withClient(work, this.#of.acquireMs)
        this.#of.count('replica', 'fresh')
        return result
      } catch (error) {
        if (isLost(error) || error instanceof Unreachable) member.down()
        else if (!isReplicasOwn(error)) throw error
        tried.add(member)
      }
      choice = await this.#choose(tried)
    }
    this.#of.count('primary', tried.size > 0 ? 'down' : choice.reason)
    return this.#of.primary.withClient(work)
  }

  #choose(tried: ReadonlySet<Member>): Promise<Choice> {
    return this.#of.replicas.choose(writtenUpTo(), tried)
  }
}

/** A query that stood in the way of replaying the log: the primary has no such trouble. */
function isReplicasOwn(error: unknown): boolean {
  return (error as { code?: string }).code === '40001'
}

function refuseWrite({ text }: Call): void {
  const found = writeIn(text)
  if (found !== undefined)
    throw new AshlarError(
      'unsupported',
      `read takes no statement that writes or locks ('${found}'); run it on the database itself, without .read`,
    )
}

/**
 * Kysely cancels through a client that it makes from the pool's own class and options; there are none here that fit every
 * member, so it falls back to a connection of the pool.
 */
export function withoutClient(pool: pg.Pool): void {
  Object.defineProperty(pool, 'Client', { value: undefined })
}

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void

/** `pg`'s callback form of `connect`. */
export function hand(connecting: Promise<pg.PoolClient>, callback: Connected): void {
  void connecting.then(
    (client) => callback(undefined, client, (release) => client.release(release)),
    (error: Error) => callback(error, undefined, () => undefined),
  )
}
