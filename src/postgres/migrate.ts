import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { AshlarError, describe, invalid } from '../errors.ts'
import { queryable, type Queryable, type Sql } from './sql.ts'

interface Migration {
  name: string
  text: string
  /** Of the text with line ends made LF, so that a checkout on Windows is no change. */
  hash: string
}

const lockKey = 0x61_73_68_6c // 'ashl': one migration run at a time in a database

const table = `
  create schema if not exists ashlar;
  create table if not exists ashlar.migrations (
    scope text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
    primary key (scope, name))`

/**
 * Brings a database up to date with a folder of numbered plain-SQL files (`0001_photos.sql` …), each applied once, in
 * the order of their names, in one transaction a file. Safe when many processes start at once: they take turns.
 * A file that comes late (a lower number than one already applied) is applied too. Nothing is ever undone.
 * @param scope whose files these are: `app`, or `queue` and the like for a block's own
 * @throws `conflict` when an applied file was changed; `invalid_argument` for a broken file, naming it and the line
 */
export async function migrate(sql: Sql, scope: string, folder: string | URL): Promise<string[]> {
  const files = await readMigrations(folder)
  return sql.withClient(async (client) => {
    const db = queryable(client)
    const done: string[] = []
    for (const file of files) if (await applyOnce(db, scope, file)) done.push(file.name)
    return done
  })
}

async function readMigrations(folder: string | URL): Promise<Migration[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw invalid(
      `migrations: cannot read the folder ${String(folder)}: ${describe(error)}; create it or correct the option`,
    )
  })
  const base = folder instanceof URL ? folder.href : new URL(`file://${folder}`).href
  const files = names.filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (name) =>
      toMigration(name, await readFile(new URL(`${base.replace(/\/$/, '')}/${encodeURIComponent(name)}`), 'utf8')),
    ),
  )
}

function toMigration(name: string, raw: string): Migration {
  const text = raw.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  return { name, text, hash: createHash('sha256').update(text).digest('hex') }
}

/** One transaction a file: the lock is taken first and held until the file and its mark are committed. */
async function applyOnce(db: Queryable, scope: string, file: Migration): Promise<boolean> {
  await db.query('begin')
  try {
    await db.query('select pg_advisory_xact_lock($1)', [lockKey])
    const ran = await applyLocked(db, scope, file)
    await db.query('commit')
    return ran
  } catch (error) {
    await db.query('rollback').catch(() => undefined)
    throw error
  }
}

async function applyLocked(db: Queryable, scope: string, { name, text, hash }: Migration): Promise<boolean> {
  await db.query(table)
  const { rows } = await db.query<{ hash: string }>(
    'select hash from ashlar.migrations where scope = $1 and name = $2',
    [scope, name],
  )
  if (rows[0]?.hash === hash) return false
  if (rows[0])
    throw new AshlarError(
      'conflict',
      `migration ${name} was changed after it was applied; put it back as it was and add a new file for the change`,
    )
  await db.query(text).catch((error: unknown) => {
    throw invalid(`migration ${name} failed${lineOf(text, error)}: ${describe(error)}; nothing of it was kept`, {
      cause: error,
    })
  })
  await db.query('insert into ashlar.migrations (scope, name, hash) values ($1, $2, $3)', [scope, name, hash])
  return true
}

function lineOf(text: string, error: unknown): string {
  const position = Number((error as { position?: string }).position)
  return Number.isFinite(position) ? ` at line ${text.slice(0, position).split('\n').length}` : ''
}
