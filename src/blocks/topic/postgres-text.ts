import { lockKeys, number, promoteText, rowsOf } from '../../postgres/lease-text.ts'

/**
 * $1 topic · arrays, one item a message: $2 body, $3 headers and attributes as JSON text, $4 attributes, $5 key · $6 locks are
 * waited for 10 s at most (off in a transaction of the caller, whose setting it would be).
 * One row for each subscription in this statement's snapshot whose filter matches. Message ids and row numbers come from one
 * sequence, after the locks: see `lockKeys`.
 */
export const publishText = `
  with given as (
    select * from unnest($2::text[], $3::text[], $4::jsonb[], $5::text[])
      with ordinality as given(body, meta, attributes, key, n)),
  locked as materialized (${lockKeys(`(
    select 'topic:' || $1::text as scope, key, $6::boolean as limited from given) keys`)}),
  messages as materialized (${number('topic', 'given', 'n')}),
  copies as (
    select m.seq as id, s.id as lane, m.key, m.body, m.meta, m.n
    from messages m join ashlar.topic_subscriptions s on s.topic = $1
    where not exists (
      select from jsonb_each(s.filter) as wanted(name, allowed)
      where not coalesce(allowed ? (m.attributes ->> name), false))),
  stored as (
    insert into ashlar.topic_messages (seq, id, lane, at, sent_at, key, head, body, meta)
    select seq, id, lane, statement_timestamp(), statement_timestamp(), key, key is null, body, meta
    from (${number('topic', 'copies', 'n')}) rows)
  select seq::text as id from messages order by n`

/** After publishing with keys ($2): which message of each is first now, in each subscription of the topic ($1). */
export const promoteAllText = promoteText(
  'topic',
  `select s.id as lane, keys.key from ashlar.topic_subscriptions s cross join unnest($2::text[]) as keys(key) where s.topic = $1`,
)

/** Idempotent; a subscription that is so already is not touched. */
export const subscribeText = `
  insert into ashlar.topic_subscriptions as s (topic, name, filter, keep_ms, keep_messages) values ($1, $2, $3::jsonb, $4, $5)
  on conflict (topic, name) do update
  set filter = excluded.filter, keep_ms = excluded.keep_ms, keep_messages = excluded.keep_messages
  where (s.filter, s.keep_ms, s.keep_messages) is distinct from (excluded.filter, excluded.keep_ms, excluded.keep_messages)`

/** What each subscription of topic $1 holds too much of: everything up to a number, and what came before a time. */
export const trimmableText = `
  select s.id as lane, s.name as subscription, coalesce(beyond.seq, 0) as "upTo", before.at::text as before
  from ashlar.topic_subscriptions s
  cross join lateral (select statement_timestamp() - s.keep_ms * interval '1 ms' as at) before
  left join lateral (
    select seq from (${allOf('s.id', 'seq')}) m order by seq desc offset s.keep_messages limit 1) beyond
    on s.keep_messages is not null
  where s.topic = $1 and (beyond.seq is not null or exists (
    select from (${allOf('s.id', 'kept_at')}) m where m.kept_at < before.at))`

/** Drops at most 1000 such messages of a subscription ($1, $2, $3), and counts them with it. Answers their keys. */
export const trimText = `
  with gone as (
    delete from ashlar.topic_messages where ctid = any (array(
      select m.ctid from (${allOf('$1', 'ctid', trimmable('$2', '$3'))}) m limit 1000))
      and ${trimmable('$2', '$3')} returning key),
  counted as (update ashlar.topic_subscriptions set dropped = dropped + (select count(*) from gone) where id = $1)
  select key from gone`

/** By its two indexes. */
function allOf(lane: string, columns: string, which = 'true'): string {
  const from = `select ${columns} from ashlar.topic_messages where lane = ${lane} and ${which}`
  return `${from} and head union all ${from} and key is not null and not head`
}

function trimmable(upTo: string, before: string): string {
  return `(seq <= ${upTo} or kept_at < ${before}::timestamptz) and not (lease > 0 and at > statement_timestamp())`
}

/**
 * What was published by transactions that began before a subscription ended may arrive after it, and is nobody's. Rows are
 * reached by two indexes: heads, and those with a key. Deletes at most 1000 rows of lanes $1.
 */
export const sweepTexts = [
  sweepText('topic_messages', 'head'),
  sweepText('topic_messages', 'key is not null'),
  sweepText('topic_dead', 'true'),
]

function sweepText(table: string, which: string): string {
  return `delete from ashlar.${table} where ctid = any (array(
    select t.ctid from ashlar.${table} t where t.lane = any ($1::bigint[]) and ${which} limit 1000 for update skip locked))`
}

export const orphansText = `
  select lane from (${lanesText('head')} union ${lanesText('key is not null')}) lanes
  where lane is not null and not exists (select from ashlar.topic_subscriptions s where s.id = lanes.lane)
  limit 100`

/** All lanes that have messages, walked from one to the next by an index. */
function lanesText(which: string): string {
  const next = (where: string) => `select min(lane) as lane from ashlar.topic_messages where ${which} and ${where}`
  return `(with recursive lanes(lane) as (
      (${next('true')}) union all select (${next('lane > lanes.lane')}) from lanes where lanes.lane is not null)
    select lane from lanes)`
}

export const statsText = `
  select s.name as subscription, s.dropped, pending.count as pending, pending.age as "oldestAgeMs",
    (select count(*)::int from (select from ashlar.topic_dead d where d.lane = s.id limit 1000000) d) as dead
  from ashlar.topic_subscriptions s cross join lateral (
    select count(*)::int, coalesce(greatest(extract(epoch from statement_timestamp() - min(at)) * 1000, 0), 0)::float8 as age
    from (${rowsOf('topic', 's.id', 'at', 1_000_000)}) m) pending
  where s.topic = $1 order by s.name`
