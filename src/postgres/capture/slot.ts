import { createHash } from 'node:crypto'
import pg from 'pg'
import { AshlarError, invalid } from '../../errors.ts'
import { types } from '../values.ts'

/** What one capture has in the database. */
export interface CaptureNames {
  /** Of the row in `ashlar.captures`. */
  name: string
  slot: string
  publication: string
}

const lockClass = 0x61_73_63_61 // 'asca'
const quote = (name: string) => pg.escapeIdentifier(name)
const literal = (text: string) => pg.escapeLiteral(text)

/** Slot names are shared by the whole server, so they end with a hash of the service. */
export function namesOf(service: string, name: string): CaptureNames {
  const slot = `ashlar_${name}_${createHash('sha256').update(service).digest('hex').slice(0, 8)}`
  return { name: `${service}.${name}`, slot, publication: slot }
}

/** One process at a time captures; the lock lasts as long as its connection. */
export async function lock(client: pg.ClientBase, { name }: CaptureNames): Promise<boolean> {
  const text = `select pg_try_advisory_lock(${lockClass}, hashtext(${literal(name)})) as held`
  return (await client.query<{ held: boolean }>(text)).rows[0]!.held
}

export interface Table {
  /** `schema.name`, as changes say it. */
  name: string
  quoted: string
  key: string[]
}

interface TableRow {
  schema: string | null
  name: string
  identity: string
  key: string[] | null
}

/**
 * Finds the tables by the names that users gave.
 * @throws `not_found`; `invalid_argument` for one whose rows nothing identifies: capturing it would forbid updates of it
 */
export async function findTables(client: pg.ClientBase, names: readonly string[]): Promise<Table[]> {
  const tables: Table[] = []
  for (const given of names) tables.push(await findTable(client, given))
  return tables
}

async function findTable(client: pg.ClientBase, given: string): Promise<Table> {
  const { rows } = await client.query<TableRow>(`
    select n.nspname as schema, c.relname as name, c.relreplident as identity,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (c.relreplident = 'f' or exists (
         select from pg_index i where i.indrelid = c.oid and a.attnum = any(i.indkey)
           and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident end))) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${literal(given)}) and c.relkind in ('r', 'p')`)
  const row = rows[0]
  if (!row) throw new AshlarError('not_found', `capture: there is no table '${given}' in this database`)
  if (!row.key)
    throw invalid(
      `capture: nothing identifies the rows of '${given}', so their changes cannot be told; give it a primary key, or ALTER TABLE … REPLICA IDENTITY FULL`,
    )
  return { name: `${row.schema}.${row.name}`, quoted: `${quote(row.schema!)}.${quote(row.name)}`, key: row.key }
}

export interface Known {
  tables: string[]
  copied: boolean
  /** The slot is there and has all that came since. */
  hasSlot: boolean
}

export async function readKnown(client: pg.ClientBase, { name, slot }: CaptureNames): Promise<Known | undefined> {
  const { rows } = await client.query<Known>(`
    select c.tables, c.copied, exists (select from pg_replication_slots s
      where s.slot_name = ${literal(slot)} and coalesce(s.wal_status, '') <> 'lost') as "hasSlot"
    from ashlar.captures c where c.name = ${literal(name)}`)
  return rows[0]
}

/** Makes the publication first: the slot must find it in all of the log that it decodes. */
export async function prepare(client: pg.ClientBase, names: CaptureNames, tables: readonly Table[]): Promise<void> {
  const { name, slot, publication } = names
  await dropSlot(client, names)
  await client.query(`drop publication if exists ${quote(publication)}`)
  const list = tables.map(({ quoted }) => quoted).join(', ')
  await client.query(
    `create publication ${quote(publication)} for table ${list} with (publish_via_partition_root = true)`,
  )
  const stored = `array[${tables.map((table) => literal(table.name)).join(', ')}]::text[]`
  await client.query(`
    insert into ashlar.captures (name, tables, slot) values (${literal(name)}, ${stored}, ${literal(slot)})
    on conflict (name) do update set tables = excluded.tables, copied = false`)
}

/** Begins a transaction that sees exactly what was committed before the first change of the slot. Answers that place in the log. */
export async function beginCopy(client: pg.ClientBase, { slot }: CaptureNames): Promise<string> {
  await client.query('begin isolation level repeatable read read only')
  const made = await client.query<{ consistent_point: string }>(
    `CREATE_REPLICATION_SLOT ${slot} LOGICAL pgoutput (SNAPSHOT 'use')`,
  )
  return made.rows[0]!.consistent_point
}

/** The rows of a table, in parts. */
export async function* rowsIn(client: pg.ClientBase, { quoted }: Table, batch: number) {
  await client.query(`declare copied no scroll cursor for select * from ${quoted}`)
  for (;;) {
    const { rows } = await client.query<Record<string, unknown>>({ text: `fetch ${batch} from copied`, types })
    if (rows.length === 0) break
    yield rows
  }
  await client.query('close copied')
}

export async function endCopy(client: pg.ClientBase, { name }: CaptureNames): Promise<void> {
  await client.query('commit')
  await client.query(`update ashlar.captures set copied = true where name = ${literal(name)}`)
}

export async function dropSlot(client: pg.ClientBase, { slot }: CaptureNames): Promise<void> {
  await client.query(`
    select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${literal(slot)}`)
}

/** Nothing of it is left. */
export async function dropAll(client: pg.ClientBase, names: CaptureNames): Promise<void> {
  await dropSlot(client, names)
  await client.query(`drop publication if exists ${quote(names.publication)}`)
  await client.query(`delete from ashlar.captures where name = ${literal(names.name)}`)
}

/** Bytes of log that the server keeps for the slowest of our captures in this database. */
export const lagText = `
  select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0)::float8 as bytes
  from pg_replication_slots where database = current_database() and slot_name like 'ashlar\\_%' and slot_type = 'logical'`
