import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { AshlarError, describe, invalid } from '../errors.ts'
import { readMigrations, type Migration } from './migrations.ts'
import { isLost } from './reach.ts'
import { lineOfPosition, statementsOf } from './statements.ts'
import { queryable, type Queryable, type Sql } from './sql.ts'

const lockKey = 0x61_73_68_6c // 'ashl': one migration run at a time in a database
const lockLimitMs = 300_000
const askAgainMs = 50

/** The lock comes first: two processes that create one schema at a time would fail each other. */
const prepare = `
  create schema if not exists ashlar;
  create table if not exists ashlar.migrations (
    scope text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
    primary key (scope, name))`

const mark = 'insert into ashlar.migrations (scope, name, hash) values ($1, $2, $3)'
const applied = `select name, hash from ashlar.migrations where scope = $1`

/**
 * Brings a database up to date with a folder of numbered plain-SQL files (`0001_photos.sql` …), each applied once, in
 * the order of their names, in one transaction a file. Safe when many processes start at once: they take turns.
 * A file that comes late (a lower number than one already applied) is applied too. Nothing is ever undone.
 * A file whose first line is `-- ashlar: no transaction` holds a single statement that refuses to run in a transaction
 * (`create index concurrently`); write it so that it may run again, since a crash may come before its mark.
 * When nothing is to be done it costs one round trip.
 * @param scope whose files these are: `app`, or `queue` and the like for a block's own
 * @returns the names of the files it applied
 * @throws `conflict` when an applied file was changed; `invalid_argument` for a broken file, naming it and the line;
 *   `timeout` when another process has been migrating for 5 minutes
 */
export async function migrate(sql: Sql, scope: string, folder: string | URL): Promise<string[]> {
  const files = await readMigrations(folder)
  if (files.length === 0) return []
  return sql.withClient(async (client) => {
    const missing = missingOf(files, await appliedIn(queryable(client), scope))
    const done: string[] = []
    for (const file of missing) if (await applyOnce(sql, client, scope, file)) done.push(file.name)
    return done
  })
}

/** @throws `conflict` for a file that was changed after it was applied */
function missingOf(files: Migration[], done: ReadonlyMap<string, string>): Migration[] {
  return files.filter(({ name, hash }) => {
    const before = done.get(name)
    if (before !== undefined && before !== hash)
      throw new AshlarError(
        'conflict',
        `migration ${name} was changed after it was applied; put it back as it was and add a new file for the change`,
      )
    return before === undefined
  })
}

async function appliedIn(db: Queryable, scope: string): Promise<Map<string, string>> {
  try {
    const { rows } = await db.query<{ name: string; hash: string }>(applied, [scope])
    return new Map(rows.map(({ name, hash }) => [name, hash]))
  } catch (error) {
    if (isMissingTable(error)) return new Map()
    throw error
  }
}

function isMissingTable(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '42P01' || code === '3F000'
}

/** The lock is taken first and held until the file and its mark are committed. */
async function applyOnce(sql: Sql, client: pg.ClientBase, scope: string, file: Migration): Promise<boolean> {
  const db = queryable(client)
  try {
    await beginLocked(client, file)
    await db.query(prepare)
    const missing = missingOf([file], await appliedIn(db, scope)).length > 0
    if (missing) await (file.alone ? runAlone(sql, db, file) : run(client, file))
    if (missing) await db.query(mark, [scope, file.name, file.hash])
    await db.query('commit')
    return missing
  } catch (error) {
    await db.query('rollback').catch(() => undefined)
    throw error
  }
}

/**
 * Asks again and again instead of waiting inside the statement: a waiting statement holds a snapshot, and
 * `create index concurrently` of whoever has the lock would wait for that snapshot for ever.
 */
async function beginLocked(client: pg.ClientBase, { name }: Migration): Promise<void> {
  const end = performance.now() + lockLimitMs
  for (;;) {
    await client.query('begin')
    const { rows } = await client.query<{ got: boolean }>(`select pg_try_advisory_xact_lock(${lockKey}) as got`)
    if (rows[0]!.got) return
    await client.query('rollback')
    if (performance.now() > end)
      throw new AshlarError(
        'timeout',
        `migration ${name}: another process has been migrating this database for ${lockLimitMs / 60_000} minutes; start again when it is done`,
      )
    await sleep(askAgainMs * (0.5 + Math.random()))
  }
}

/**
 * On another connection, while this one keeps the lock. An idle transaction whose last statement had values still holds a
 * snapshot, which `create index concurrently` would wait for; one statement without values ends that.
 */
async function runAlone(sql: Sql, locked: Queryable, file: Migration): Promise<void> {
  await locked.query('select')
  await sql.withClient((client) => run(client, file))
}

async function run(client: pg.ClientBase, { name, text, alone }: Migration): Promise<void> {
  const ran = countStatements(client)
  try {
    await client.query(text)
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (isLost(error) || typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) throw error // not the file's fault
    const line = lineOf(text, error) ?? statementsOf(text)[ran.count]?.line
    const where = line === undefined ? '' : ` at line ${line}`
    const kept = alone ? '' : '; nothing of it was kept'
    throw invalid(`migration ${name} failed${where}: ${describe(error)}${kept}`, { cause: error })
  } finally {
    ran.stop()
  }
}

/** How many statements of a text have come to their end: it tells which one failed when the server gives no position. */
function countStatements(client: pg.ClientBase): { count: number; stop(): void } {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
  const onEnd = () => ran.count++
  const ran = { count: 0, stop: () => void connection.off('commandComplete', onEnd) }
  connection.on('commandComplete', onEnd)
  return ran
}

function lineOf(text: string, error: unknown): number | undefined {
  const position = Number((error as { position?: string }).position)
  return Number.isFinite(position) ? lineOfPosition(text, position) : undefined
}
