import type { Lane, LeaseTable } from './lease.ts'
import { parseToken } from './lease-token.ts'
import type { Queryable } from './sql.ts'

export interface FoundRow {
  id: string
  state: 'ready' | 'delayed' | 'leased' | 'dead'
  attempt: number
  sentAt: Date
  progress: string | null
}

/** Messages of a `LeaseTable` by their ids. An id is the message's place in the order, unless it was redriven. */
export class LeaseJobs {
  readonly #db: Queryable
  readonly #table: LeaseTable
  readonly #text: ReturnType<typeof textsOf>

  constructor(db: Queryable, prefix: string, table: LeaseTable) {
    this.#db = db
    this.#table = table
    this.#text = textsOf(prefix)
  }

  async find(lane: Lane, id: string): Promise<FoundRow | undefined> {
    if (!isId(id)) return undefined
    const { rows } = await this.#db.query<FoundRow>(this.#text.find, [lane.id, id])
    return rows[0]
  }

  async cancel(lane: Lane, ids: readonly string[]): Promise<number> {
    const known = [...new Set(ids)].filter(isId)
    const { rows } = await this.#db.query<{ key: string | null }>(this.#text.cancel, [lane.id, known])
    await this.#table.removed(lane, rows)
    return rows.length
  }

  async progress(lane: Lane, token: string, value: string): Promise<boolean> {
    const { seq, lease } = parseToken(token)
    const { rowCount } = await this.#db.query(this.#text.progress, [lane.id, seq, lease, value])
    return rowCount > 0
  }
}

function isId(id: string): boolean {
  return /^\d{1,18}$/.test(id)
}

function textsOf(prefix: string) {
  const messages = `ashlar.${prefix}_messages`
  const columns = `id::text as id,
    case when at <= statement_timestamp() then 'ready' when lease > 0 then 'leased' else 'delayed' end as state,
    attempt, sent_at as "sentAt", progress`
  return {
    find: `select ${columns} from ${messages} where lane = $1 and seq = $2 and id = seq
      union all select ${columns} from ${messages} where lane = $1 and id = $2 and id <> seq
      union all select id::text, 'dead', attempts, sent_at, null from ashlar.${prefix}_dead where lane = $1 and id = $2`,
    // In one order for all, so that two who cancel the same do not wait for one another.
    cancel: `delete from ${messages} m using (
        select seq from ${messages} where lane = $1 and seq in (
          select seq from ${messages} where lane = $1 and seq = any ($2::bigint[]) and id = seq
          union all select seq from ${messages} where lane = $1 and id = any ($2::bigint[]) and id <> seq)
        order by seq for update) found
      where m.seq = found.seq returning m.key`,
    progress: `update ${messages} set progress = $4 where seq = $2 and lease = $3 and lane = $1`,
  }
}
