import { constants } from 'node:fs'
import { copyFile, lstat, mkdir, open, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type pg from 'pg'
import { connect, database } from './ask.ts'
import { removeFolder } from './folder.ts'
import { syncFolder } from './initdb.ts'
import type { Member } from './member.ts'
import { give, type Owner } from './owner.ts'
import { slotOf } from './settings.ts'

const atOnce = 16

/** Not copied at all: they belong to the running process or to the member that is copied. */
const left = /^(postmaster\.(pid|opts)|standby\.signal|recovery\.signal|backup_label(\.old)?|tablespace_map(\.old)?)$/
/** Copied as empty folders. */
const emptied = new Set(
  'pg_wal pg_replslot pg_dynshmem pg_notify pg_serial pg_snapshots pg_stat_tmp pg_subtrans'.split(' '),
)
/** Left out in every folder: caches and temporary files that Postgres makes again. */
const fleeting = /^(pgsql_tmp.*|pg_internal\.init.*|t\d+_\d+.*)$/

export interface Copying {
  owner: Owner
  /** Write everything through to the disk. */
  sync: boolean
  signal: AbortSignal
}

/**
 * Makes `to` a fresh copy of the running primary: its files between pg_backup_start and pg_backup_stop, which keep
 * the write-ahead log that makes them whole. A slot made before keeps that log until the replica has read it.
 */
export async function clone(from: Member, to: Member, how: Copying): Promise<void> {
  const { owner, sync } = how
  const making = `${to.data}.making`
  await removeFolder(making)
  await mkdir(making, { mode: 0o700 })
  await give(making, owner)
  const session = await connect(from.address, database)
  try {
    await renewSlot(session, slotOf(to.name))
    await session.query('select pg_backup_start($1, true)', [`ashlar ${to.name}`])
    await copyFolder(from.data, making, how, true)
    const { rows } = await session.query<{ labelfile: string; spcmapfile: string }>(
      'select labelfile, spcmapfile from pg_backup_stop(false)',
    )
    await finish(making, rows[0]!.labelfile, owner)
  } finally {
    await session.end().catch(() => undefined)
  }
  await removeFolder(to.data)
  await rename(making, to.data)
  if (sync) await syncFolder(path.dirname(to.data))
}

async function renewSlot(session: pg.Client, slot: string): Promise<void> {
  await session.query(
    'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active',
    [slot],
  )
  await session.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
    slot,
  ])
  await session.query('select pg_create_physical_replication_slot($1, true)', [slot])
}

async function finish(making: string, label: string, owner: Owner): Promise<void> {
  for (const folder of ['pg_wal/archive_status', 'pg_wal/summaries']) {
    await mkdir(path.join(making, folder), { recursive: true, mode: 0o700 })
    await give(path.join(making, folder), owner)
  }
  // The primary's ALTER SYSTEM settings would beat the replica's own configuration.
  const files = { backup_label: label, 'postgresql.auto.conf': '', 'standby.signal': '' }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(making, name), text, { mode: 0o600 })
    await give(path.join(making, name), owner)
  }
}

/** Several files at once: most of the time goes into waiting for the disk to have each of them. */
async function copyFolder(from: string, to: string, how: Copying, top = false): Promise<void> {
  const names = (await readdir(from).catch(ifThere<string[]>([]))).filter(
    (name) => !fleeting.test(name) && !(top && left.test(name)),
  )
  for (let at = 0; at < names.length; at += atOnce) {
    how.signal.throwIfAborted()
    await Promise.all(names.slice(at, at + atOnce).map((name) => copyEntry(from, to, name, how, top)))
  }
}

async function copyEntry(from: string, to: string, name: string, how: Copying, top: boolean): Promise<void> {
  const [source, target] = [path.join(from, name), path.join(to, name)]
  const found = await lstat(source).catch(ifThere(undefined))
  if (found?.isDirectory()) {
    await mkdir(target, { mode: 0o700 })
    await give(target, how.owner)
    if (!(top && emptied.has(name))) await copyFolder(source, target, how)
  } else if (found?.isFile() && (await copyOne(source, target, how.sync))) await give(target, how.owner)
}

async function copyOne(source: string, target: string, sync: boolean): Promise<boolean> {
  const copied = await copyFile(source, target, constants.COPYFILE_FICLONE).then(() => true, ifThere(false))
  if (copied && sync) {
    const file = await open(target, 'r+')
    await file.sync().finally(() => file.close())
  }
  return copied
}

/** A running primary drops files while we copy; the log tells the replica so. */
function ifThere<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return otherwise
    throw error
  }
}
