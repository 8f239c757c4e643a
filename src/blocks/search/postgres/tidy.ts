import type { Sql } from '../../../postgres/sql.ts'

const atOnce = 5_000
const rememberDeleted = '7 days'

/** Removes tombstones of the index in use that have served their time, in small transactions. */
export async function forgetDeleted(sql: Sql, name: string): Promise<void> {
  let removed: number
  do {
    const { rowCount } = await sql.query(
      `delete from ashlar.search_documents where (generation, id) in (
         select generation, id from ashlar.search_documents join ashlar.search_generations using (generation)
         where name = $1 and state = 'live' and deleted and changed_at < now() - $2::interval limit $3)`,
      [name, rememberDeleted, atOnce],
    )
    removed = rowCount
  } while (removed === atOnce)
}

/** Removes what generations out of use left behind, in small transactions; the generation itself last. */
export async function dropLeftovers(sql: Sql, name: string): Promise<void> {
  const { rows } = await sql.query<{ generation: number }>(
    `select generation from ashlar.search_generations where name = $1 and state = 'dropped'`,
    [name],
  )
  for (const { generation } of rows) {
    await empty(sql, 'search_documents', 'id', generation)
    await empty(sql, 'search_words', 'word', generation)
    await sql.query('delete from ashlar.search_generations where generation = $1', [generation])
  }
}

async function empty(sql: Sql, table: string, key: string, generation: number): Promise<void> {
  let removed: number
  do {
    const { rowCount } = await sql.query(
      `delete from ashlar.${table} where generation = $1 and ${key} in
         (select ${key} from ashlar.${table} where generation = $1 limit $2)`,
      [generation, atOnce],
    )
    removed = rowCount
  } while (removed === atOnce)
}
