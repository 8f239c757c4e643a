import { after, type Entry, type Offset } from 'ashlar/stream'
import type { Transaction } from 'ashlar'
import { shutter } from './blueprint.ts'
import type { View } from './model.ts'

// Views per photo and hour. The counts and how far each partition has been counted change in one transaction, so that
// records which come twice (a worker died before its offset was committed) count once.

const batch = 1000
/** The stream keeps seven days; what is older than six stays as it was counted. */
const recountedDays = 6

/** Counts what the group `analytics` is handed. */
export async function count(entries: readonly Entry<View>[]): Promise<void> {
  await shutter.blocks.db.transaction(async (tx) => {
    await lockCounts(tx)
    await add(tx, entries)
  })
}

/** Counts the last days again from the stream; the consumers wait meanwhile, then skip what is counted. Answers how many views. */
export async function recount(): Promise<number> {
  const { db, views } = shutter.blocks
  return db.transaction(async (tx) => {
    await lockCounts(tx)
    const since = await firstHour(tx)
    await tx.run`delete from view_counts where hour >= ${since}`
    await tx.run`delete from counted`
    let recounted = 0
    for await (const entries of inBatches(views.read({ from: since }))) recounted += await add(tx, entries, since)
    return recounted
  })
}

async function lockCounts({ sql }: Transaction): Promise<void> {
  await sql.query('lock table counted in share row exclusive mode')
}

async function firstHour({ sql }: Transaction): Promise<Date> {
  const text = `select date_trunc('hour', now() - $1 * interval '1 day') as since`
  return (await sql.query<{ since: Date }>(text, [recountedDays])).rows[0]!.since
}

/** Adds those views that are not counted yet. */
async function add({ sql }: Transaction, entries: readonly Entry<View>[], since = new Date(0)): Promise<number> {
  const { rows } = await sql.query<{ partition: number; next: Offset }>(
    'select partition, next_offset as next from counted',
  )
  const next = new Map(rows.map((row) => [row.partition, row.next]))
  const fresh = entries.filter(({ partition, offset }) => offset >= (next.get(partition) ?? 0))
  for (const { partition, offset } of fresh) next.set(partition, after(offset))
  const seen = fresh.flatMap(({ value }) => (value && new Date(value.at) >= since ? value : []))
  await sql.query(addViews, [seen.map(({ photo }) => photo), seen.map(({ at }) => at)])
  await sql.query(noteOffsets, [[...next.keys()], [...next.values()]])
  return seen.length
}

const addViews = `
  insert into view_counts (photo, hour, views)
  select photo, date_trunc('hour', at), count(*)
  from unnest($1::uuid[], $2::timestamptz[]) as seen (photo, at) group by 1, 2
  on conflict (photo, hour) do update set views = view_counts.views + excluded.views`

const noteOffsets = `
  insert into counted (partition, next_offset)
  select * from unnest($1::int[], $2::bigint[])
  on conflict (partition) do update set next_offset = excluded.next_offset`

async function* inBatches<T>(items: AsyncIterable<T>): AsyncIterable<T[]> {
  const held: T[] = []
  for await (const item of items) if (held.push(item) === batch) yield held.splice(0)
  yield held
}
