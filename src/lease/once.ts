import type { OpenContext } from '../block.ts'
import { AshlarError } from '../errors.ts'
import type { Queryable, Sql, Transaction } from '../postgres/sql.ts'

/** Keys that are remembered in this process, when there is no database. */
const maxRemembered = 100_000
/** How long a database keeps marks: a message must not come back later than that. */
const marksMs = 90 * 86_400_000
const sweepEveryMs = 6 * 3_600_000

/**
 * Effects once per key, however often a message is delivered. With a database the mark commits with the effects; without
 * one it is this process's memory, and `tx` refuses statements.
 */
export class Once {
  readonly #scope: string
  readonly #databaseUrl: string | undefined
  readonly #done = new Map<string, Promise<unknown>>()
  #sql: Promise<Sql> | undefined
  #sweepAtMs = performance.now() + sweepEveryMs * (0.5 + Math.random() / 2)
  #sweeping: Promise<unknown> | undefined

  /** @param databaseUrl where effects happen: the driver's own database, else the service's */
  constructor(scope: string, databaseUrl: string | undefined) {
    this.#scope = scope
    this.#databaseUrl = databaseUrl
  }

  async run<R>(key: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined> {
    if (this.#databaseUrl === undefined) return this.#runHere(key, work)
    const { once } = await import('../postgres/once.ts')
    const sql = await this.#open(this.#databaseUrl)
    this.#sweepSometimes(sql)
    return sql.transaction((tx) => once(tx, this.#scope, key, work))
  }

  #sweepSometimes(sql: Sql): void {
    if (performance.now() < this.#sweepAtMs) return
    this.#sweepAtMs = performance.now() + sweepEveryMs
    this.#sweeping = import('../postgres/once.ts')
      .then(({ sweepOnce }) => sweepOnce(sql, marksMs))
      .catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.#sweeping
    const sql = await this.#sql?.catch(() => undefined)
    this.#sql = undefined
    await sql?.close()
  }

  #open(url: string): Promise<Sql> {
    this.#sql ??= openWithMarks(url).catch((error: unknown) => {
      this.#sql = undefined
      throw error
    })
    return this.#sql
  }

  /** Whoever comes second waits for the first; when the first fails, he tries himself. */
  async #runHere<R>(key: string, work: (tx: Transaction) => Promise<R>): Promise<R | undefined> {
    for (let earlier = this.#done.get(key); earlier; earlier = this.#done.get(key)) {
      const isDone = await earlier.then(
        () => true,
        () => false,
      )
      if (isDone) return undefined
    }
    const running = withoutDatabase(work)
    this.#done.set(key, running)
    running.catch(() => this.#done.delete(key))
    const oldest = this.#done.keys().next()
    if (this.#done.size > maxRemembered && !oldest.done) this.#done.delete(oldest.value)
    return running
  }
}

async function openWithMarks(url: string): Promise<Sql> {
  const [{ openSql }, { ensureOnce }] = await Promise.all([
    import('../postgres/open.ts'),
    import('../postgres/once.ts'),
  ])
  const sql = openSql(url)
  try {
    await ensureOnce(sql)
    return sql
  } catch (error) {
    await sql.close()
    throw error
  }
}

/** The driver's own database when it is one, else the service's. */
export function databaseOf(context: OpenContext, scheme: string): string | undefined {
  return scheme === 'postgres' ? context.url : context.databaseUrl
}

async function withoutDatabase<R>(work: (tx: Transaction) => Promise<R>): Promise<R> {
  const after: ((sql: Queryable) => void | Promise<void>)[] = []
  const sql: Queryable = { query: () => Promise.reject(noDatabase()) }
  const result = await work({ origin: 'memory:', sql, afterCommit: (then) => void after.push(then) })
  for (const then of after) void (async () => then(sql))().catch(() => undefined)
  return result
}

function noDatabase(): AshlarError {
  return new AshlarError(
    'unsupported',
    'once: there is no database here, so its tx runs no statements; set DATABASE_URL, or open the block with a postgres: URL',
  )
}
