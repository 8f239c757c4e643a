import { setTimeout as delay } from 'node:timers/promises'
import type * as Sqlite from 'node:sqlite'
import type { DatabaseSync } from 'node:sqlite'
import { isBusy } from './writer.ts'

const version = 1

const schema = `
  create table objects (
    key blob primary key, file text not null unique, size integer not null, etag text not null,
    content_type text not null, metadata text not null, modified_ms integer not null
  ) strict, without rowid;
  create table uploads (
    id text primary key, key blob not null, content_type text not null, metadata text not null,
    started_ms integer not null, result text
  ) strict;
  create table parts (
    upload text not null references uploads(id) on delete cascade, number integer not null,
    file text not null unique, size integer not null, etag text not null, primary key (upload, number)
  ) strict, without rowid;
  create table figures (name text primary key, value integer not null) strict;
  insert into figures values ('objects', 0), ('bytes', 0), ('swept_ms', 0);
  create trigger added after insert on objects begin
    update figures set value = value + 1 where name = 'objects';
    update figures set value = value + new.size where name = 'bytes';
  end;
  create trigger changed after update on objects begin
    update figures set value = value + new.size - old.size where name = 'bytes';
  end;
  create trigger removed after delete on objects begin
    update figures set value = value - 1 where name = 'objects';
    update figures set value = value - old.size where name = 'bytes';
  end;
  pragma user_version = ${version};`

/** Opens the index of a folder, made on first use; several processes may do so at once. */
export async function openIndex(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = sqlite()
  const db = new DatabaseSync(path, { timeout: 20 })
  try {
    const end = performance.now() + 10_000
    while (!prepared(db, performance.now() > end)) await delay(5 + Math.random() * 20)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function prepared(db: DatabaseSync, mustNow: boolean): boolean {
  try {
    db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
    if (versionOf(db) === 0) create(db)
  } catch (error) {
    if (isBusy(error) && !mustNow) return false
    throw error
  }
  if (versionOf(db) === version) return true
  throw new Error(
    `the bucket's index is of version ${versionOf(db)}, this Ashlar knows ${version}; use the newer Ashlar`,
  )
}

function create(db: DatabaseSync): void {
  db.exec('begin immediate')
  try {
    if (versionOf(db) === 0) db.exec(schema)
    db.exec('commit')
  } finally {
    if (db.isTransaction) db.exec('rollback')
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('pragma user_version').get()!.user_version)
}

/** Node's SQLite. Some releases of Node 24 warn that it is experimental; that one warning is dropped, no other. */
function sqlite(): typeof Sqlite {
  const emit = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!/SQLite is an experimental feature/.test(String(warning))) emit.call(process, warning, ...rest)
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emit
  }
}
