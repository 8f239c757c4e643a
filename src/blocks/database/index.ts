import { wrap, type AloneOptions, type Card, type Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { migrate } from '../../postgres/migrate.ts'
import { toCount, toMs } from '../../units.ts'
import type { Database, DatabaseOptions } from './database.ts'
import type { DatabaseDriver } from './driver.ts'
import { DatabasePool, type Settings } from './pool.ts'

export { json } from './template.ts'
export type { CaptureOptions, Change, ChangeHandler, TableCapture } from './capture.ts'
export type {
  Database,
  DatabaseOptions,
  DatabaseTransaction,
  PoolShaped,
  Queries,
  Reader,
  TransactionOptions,
} from './database.ts'

const card: Card = {
  job: 'Keeps the records that everything else is derived from: every write goes to one primary, reads may go to replicas that follow its log.',
  reachFor:
    'Always. Add a replica when reads crowd out writes on the primary; shard only when one machine can no longer hold the writes.',
  costs:
    'A replica is a moment behind, so whoever has just written must be sent to one that has caught up, or to the primary; writes do not get faster.',
  alternative:
    'A cache in front, when the same few rows are read over and over; shards, when it is the writes or the size that one machine cannot carry.',
}

/** @throws `invalid_argument` */
function settingsOf(options: DatabaseOptions): Settings {
  return {
    maxLagMs: toMs('database maxLag', options.maxLag ?? '10s', { min: 100, max: 600_000 }),
    acquireMs: toMs('database acquire', options.acquire ?? '10s', { min: 1, max: 300_000 }),
    replicas: toCount('database replicas', options.replicas ?? 1, { max: 8 }) > 0,
  }
}

const kind: Kind<Database, DatabaseOptions, DatabaseDriver> = {
  kind: 'database',
  card,
  options: ['migrations', 'replicas', 'maxLag', 'acquire'],
  drivers: {
    postgres: () => import('./postgres.ts'),
  },
  check: (options) => void settingsOf(options),
  async build(context, { driver, scheme, codeOf }, options) {
    const pool = new DatabasePool({ context, driver, scheme, codeOf, settings: settingsOf(options) })
    try {
      if (options.migrations !== undefined) await migrate(driver.sql, 'app', options.migrations)
      return pool
    } catch (error) {
      await pool.close()
      throw wrap(error, { block: context.name, driver: scheme, doing: 'migrating' }, codeOf)
    }
  },
}

/** The database of a blueprint: `db: database({ migrations: './migrations', replicas: 1 })`. @throws `invalid_argument` */
export function database(options?: DatabaseOptions): Declaration<Database, DatabaseOptions>
/**
 * A database alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`; `conflict` for a migration that was changed
 * @example
 * await using db = await database('db', { url: 'postgres://localhost/shop', migrations: './migrations' })
 * const photo = await db.one<Photo>`select * from photos where id = ${id}`
 */
export function database(name: string, options?: DatabaseOptions & AloneOptions): Promise<Database>
export function database(
  first: string | DatabaseOptions = {},
  options: DatabaseOptions & AloneOptions = {},
): Declaration<Database, DatabaseOptions> | Promise<Database> {
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
