import { lockKeys, number } from '../../postgres/lease-text.ts'

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
    insert into ashlar.topic_messages (seq, id, lane, at, sent_at, key, body, meta)
    select seq, id, lane, statement_timestamp(), statement_timestamp(), key, body, meta
    from (${number('topic', 'copies', 'n')}) rows)
  select seq::text as id from messages order by n`

/** Idempotent; a subscription whose filter is the same is not touched. */
export const subscribeText = `
  insert into ashlar.topic_subscriptions as s (topic, name, filter) values ($1, $2, $3::jsonb)
  on conflict (topic, name) do update set filter = excluded.filter where s.filter <> excluded.filter`

/** What was published by transactions that began before a subscription ended may arrive after it: nobody's rows. */
export const sweepText = (table: 'messages' | 'dead') => `
  delete from ashlar.topic_${table} m where m.ctid = any (array(
    select t.ctid from ashlar.topic_${table} t
    where t.lane = any ($1::bigint[]) limit 1000 for update skip locked))`

export const orphansText = `
  with recursive lanes as (
    (select min(lane) as lane from ashlar.topic_messages)
    union all
    select (select min(m.lane) from ashlar.topic_messages m where m.lane > lanes.lane) from lanes where lanes.lane is not null)
  select lane from lanes
  where lane is not null and not exists (select from ashlar.topic_subscriptions s where s.id = lanes.lane)
  limit 100`

export const statsText = `
  select s.name as subscription,
    (select count(*)::int from (select from ashlar.topic_messages m where m.lane = s.id limit 1000000) m) as pending,
    (select count(*)::int from (select from ashlar.topic_dead d where d.lane = s.id limit 1000000) d) as dead,
    coalesce((select greatest(extract(epoch from statement_timestamp() - m.at) * 1000, 0) from ashlar.topic_messages m
      where m.lane = s.id and m.rank = 0 order by m.at limit 1), 0)::float8 as "oldestAgeMs"
  from ashlar.topic_subscriptions s where s.topic = $1 order by s.name`
