import { migrate } from './migrate.ts'
import { hashOf, lockClass, payloadOf, Relay, wakeChannel, type OutboxMessage, type RelayOptions } from './relay.ts'
import type { Queryable, Sql, Transaction } from './sql.ts'

export type { OutboxMessage, RelayOptions }

const maxMessages = 1000
const keySlots = 1024

/**
 * Makes the outbox's table. Whoever calls `addToOutbox` or `startRelay` calls this first, when its block opens: a
 * missing table would break the user's transaction.
 */
export async function ensureOutbox(sql: Sql): Promise<void> {
  await migrate(sql, 'outbox', new URL('./sql/outbox/', import.meta.url))
}

/**
 * Adds to the outbox inside the caller's transaction: it exists if and when that commits. Target: `<kind>:<engine name>`.
 * Transactions that send with the same key to the same target take turns, from here to their commit: only so is the
 * order of the rows the order of the commits. Messages without a key never wait.
 */
export async function addToOutbox(tx: Transaction, target: string, messages: readonly OutboxMessage[]): Promise<void> {
  for (let start = 0; start < messages.length; start += maxMessages)
    await insert(tx.sql, target, messages.slice(start, start + maxMessages))
  if (messages.length > 0) tx.afterCommit((sql) => wakeRelays(sql, tx.origin, target))
}

/** The locks come first: the row numbers must be given while they are held. */
async function insert(sql: Queryable, target: string, messages: readonly OutboxMessage[]): Promise<void> {
  await sql.query(
    `with locked as materialized (select pg_advisory_xact_lock(${lockClass}, slot) from unnest($5::int[]) slot)
     insert into ashlar.outbox (target, key, body, headers)
     select $1, key, body, headers::jsonb
     from unnest($2::text[], $3::text[], $4::text[]) with ordinality as message (key, body, headers, at)
     where (select count(*) from locked) >= 0
     order by at`,
    [
      target,
      messages.map(({ key }) => key ?? null),
      messages.map(({ body }) => body),
      messages.map(({ headers }) => JSON.stringify(headers)),
      slotsOf(target, messages),
    ],
  )
}

/** In ascending order, so that two transactions cannot wait for each other here. */
function slotsOf(target: string, messages: readonly OutboxMessage[]): number[] {
  const keys = new Set(messages.map(({ key }) => key).filter((key) => key !== undefined))
  const slots = [...keys].map((key) => hashOf(`${target}\0${key}`).readUInt32BE() % keySlots)
  return [...new Set(slots)].sort((a, b) => a - b)
}

/** Notifications on their way, by database and target; `true`: another one is due after it. */
const notifying = new Map<string, boolean>()

/** One notification at a time for each target; those that come meanwhile become one. */
async function wakeRelays(sql: Queryable, origin: string, target: string): Promise<void> {
  const id = `${origin}\0${target}`
  if (notifying.has(id)) return void notifying.set(id, true)
  do {
    notifying.set(id, false)
    await sql.query('select pg_notify($1, $2)', [wakeChannel, payloadOf(target)]).catch(() => undefined)
  } while (notifying.get(id))
  notifying.delete(id)
}

/**
 * Moves committed messages of a target to `publish`, in batches, order per key kept, at least once; a batch that fails is
 * tried again with backoff. Many processes may run it for the same target: one at a time works.
 *
 * When `publish` throws an AshlarError that says `retryable`, the engine is taken to be away and the whole target waits.
 * With any other error the messages of the batch go one by one: one that is refused is kept with its error, holds back
 * those of its key, is tried again ever more rarely (up to 5 minutes), is logged and counted
 * (`ashlar_outbox_refused_total`), and lets all others pass.
 * `publish` should end when its signal aborts, after 30 s or at closing.
 */
export async function startRelay(
  sql: Sql,
  target: string,
  publish: (messages: readonly OutboxMessage[], signal: AbortSignal) => Promise<void>,
  options: RelayOptions = {},
): Promise<AsyncDisposable> {
  await ensureOutbox(sql)
  const relay = new Relay(sql, target, publish, options)
  await relay.start()
  return relay
}

/** Figures of one target of the outbox, for a block's `stats()`. */
export async function outboxStats(
  sql: Queryable,
  target: string,
): Promise<{ waiting: number; refused: number; oldestAgeMs: number }> {
  const { rows } = await sql.query<{ waiting: number; refused: number; oldestAgeMs: number }>(
    `select count(*) as waiting, count(retry_at) as refused,
       coalesce(extract(epoch from clock_timestamp() - min(added_at)) * 1000, 0)::float8 as "oldestAgeMs"
     from ashlar.outbox where target = $1`,
    [target],
  )
  return rows[0]!
}
