import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Listing, ObjectInfo, Part } from '../driver.ts'
import { pageOf, type Paging } from '../page.ts'

/** An object and the file that its bytes are in. */
export interface Entry {
  info: ObjectInfo
  file: string
}

export interface Upload {
  key: string
  contentType: string
  metadata: Record<string, string>
  /** What finishing it gave, when it is finished. */
  result?: ObjectInfo
}

export interface StoredPart extends Part {
  file: string
}

type Row = Record<string, unknown>

/** Prepared statements over the index. All are synchronous and short; those that write are for use inside `Writer.run`. */
export class Objects {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  find(key: string): Entry | undefined {
    const row = this.#get('select * from objects where key = ?', Buffer.from(key))
    return row && { info: infoOf(row), file: String(row.file) }
  }

  /** Puts an entry in place of what is there. */
  set({ info, file }: Entry): void {
    this.#run(
      `insert into objects (key, file, size, etag, content_type, metadata, modified_ms) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (key) do update set file = excluded.file, size = excluded.size, etag = excluded.etag,
         content_type = excluded.content_type, metadata = excluded.metadata, modified_ms = excluded.modified_ms`,
      Buffer.from(info.key),
      file,
      info.size,
      info.etag,
      info.contentType,
      JSON.stringify(info.metadata),
      info.modifiedAt.getTime(),
    )
  }

  /** @returns the file that is no longer needed */
  remove(key: string): string | undefined {
    return this.#get('delete from objects where key = ? returning file', Buffer.from(key))?.file as string | undefined
  }

  page(paging: Paging): Listing {
    return pageOf(paging, (from, inclusive, count) =>
      this.#all(`select * from objects where key ${inclusive ? '>=' : '>'} ? order by key limit ?`, from, count).map(
        infoOf,
      ),
    )
  }

  openUpload(id: string, { key, contentType, metadata }: Upload): void {
    this.#run(
      'insert into uploads (id, key, content_type, metadata, started_ms) values (?, ?, ?, ?, ?)',
      id,
      Buffer.from(key),
      contentType,
      JSON.stringify(metadata),
      Date.now(),
    )
  }

  upload(id: string): Upload | undefined {
    const row = this.#get('select * from uploads where id = ?', id)
    return row && uploadOf(row)
  }

  finishUpload(id: string, result: ObjectInfo): void {
    this.#run('update uploads set result = ? where id = ?', JSON.stringify(result), id)
  }

  /** Forgets an upload with its parts. @returns the files of these parts */
  dropUpload(id: string): string[] {
    const files = this.dropParts(id)
    this.#run('delete from uploads where id = ?', id)
    return files
  }

  dropParts(id: string): string[] {
    return this.#all('delete from parts where upload = ? returning file', id).map((row) => String(row.file))
  }

  uploadsBefore(startedMs: number, count: number): string[] {
    const rows = this.#all('select id from uploads where started_ms < ? limit ?', startedMs, count)
    return rows.map((row) => String(row.id))
  }

  parts(id: string): StoredPart[] {
    return this.#all('select * from parts where upload = ? order by number', id).map((row) => ({
      number: Number(row.number),
      etag: String(row.etag),
      size: Number(row.size),
      file: String(row.file),
    }))
  }

  /** @returns the file of the part that was there under this number */
  setPart(id: string, { number, file, size, etag }: StoredPart): string | undefined {
    const old = this.#get('delete from parts where upload = ? and number = ? returning file', id, number)
    this.#run(
      'insert into parts (upload, number, file, size, etag) values (?, ?, ?, ?, ?)',
      id,
      number,
      file,
      size,
      etag,
    )
    return old?.file as string | undefined
  }

  isUsed(file: string): boolean {
    const row = this.#get(
      'select exists (select 1 from objects where file = ?) or exists (select 1 from parts where file = ?) as used',
      file,
      file,
    )
    return row!.used === 1
  }

  /** Files in use whose names start with two given characters. */
  filesOf(shard: string): Set<string> {
    const rows = this.#all(
      `select file from objects where file >= ?1 and file < ?1 || 'g' union all
       select file from parts where file >= ?1 and file < ?1 || 'g'`,
      shard,
    )
    return new Set(rows.map((row) => String(row.file)))
  }

  figures(): { objects: number; bytes: number } {
    const rows = this.#all('select name, value from figures')
    const value = (name: string) => Number(rows.find((row) => row.name === name)?.value ?? 0)
    return { objects: value('objects'), bytes: value('bytes') }
  }

  /** True for one caller in a period: the one who sweeps. A clock that was set back does not stop the sweeping. */
  claimSweep(now: number, everyMs: number): boolean {
    const { changes } = this.#run(
      `update figures set value = ?1 where name = 'swept_ms' and (value <= ?1 - ?2 or value > ?1)`,
      now,
      everyMs,
    )
    return changes === 1
  }

  #get(sql: string, ...values: (string | number | Uint8Array)[]): Row | undefined {
    return this.#prepared(sql).get(...values)
  }

  #all(sql: string, ...values: (string | number | Uint8Array)[]): Row[] {
    return this.#prepared(sql).all(...values)
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]) {
    return this.#prepared(sql).run(...values)
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

function infoOf(row: Row): ObjectInfo {
  return {
    key: textOf(row.key),
    size: Number(row.size),
    etag: String(row.etag),
    contentType: String(row.content_type),
    modifiedAt: new Date(Number(row.modified_ms)),
    metadata: JSON.parse(String(row.metadata)) as Record<string, string>,
  }
}

function uploadOf(row: Row): Upload {
  const result = row.result === null ? undefined : (JSON.parse(row.result as string) as ObjectInfo)
  return {
    key: textOf(row.key),
    contentType: String(row.content_type),
    metadata: JSON.parse(String(row.metadata)) as Record<string, string>,
    ...(result && { result: { ...result, modifiedAt: new Date(result.modifiedAt) } }),
  }
}

function textOf(key: unknown): string {
  return Buffer.from(key as Uint8Array).toString()
}
