import { queryWithin } from '../../../postgres/limits.ts'
import type { Sql } from '../../../postgres/sql.ts'

const limitMs = 8_000
const mostCounted = 1_000_000
const sampled = 1_000

/** Documents of the index in use, counted up to a million; bytes by the size of the first thousand rows. */
export async function figuresOf(sql: Sql, name: string): Promise<{ documents: number; bytes: number }> {
  const { rows } = await queryWithin<{ documents: number; bytes: number }>(
    sql,
    limitMs,
    `with live as (select generation from ashlar.search_generations where name = $1 and state = 'live'),
     counted as (select count(*) as documents from
       (select 1 from ashlar.search_documents where generation = (select generation from live) and not deleted limit $2) d),
     row_size as (select coalesce(avg(pg_column_size(s)), 0) as bytes from
       (select * from ashlar.search_documents where generation = (select generation from live) and not deleted limit $3) s)
     select documents, (documents * row_size.bytes)::bigint as bytes from counted, row_size`,
    [name, mostCounted, sampled],
  )
  return rows[0]!
}
