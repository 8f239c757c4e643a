import { lockKeys, number } from '../../postgres/lease-text.ts'

/**
 * $1 lane · arrays, one item a message: $2 body, $3 headers, $4 delay in ms, $5 rank, $6 key, $7 dedupe key, $8 its window in
 * ms · $9 locks are waited for 10 s at most (off in a transaction of the caller, whose setting it would be).
 */
export const sendText = `
  with given as (
    select * from unnest($2::text[], $3::text[], $4::float8[], $5::smallint[], $6::text[], $7::text[], $8::float8[])
      with ordinality as given(body, meta, delay_ms, rank, key, dedupe, window_ms, n)),
  locked as materialized (${lockKeys(`(
    select 'queue:' || $1::bigint as scope, key, $9::boolean as limited from given union all
    select 'dedupe:' || $1::bigint, dedupe, $9::boolean from given) keys`)}),
  numbered as materialized (${number('queue', 'given', 'n')}),
  firsts as (
    select distinct on (dedupe) dedupe, seq, window_ms from numbered where dedupe is not null order by dedupe, n),
  claimed as (
    insert into ashlar.queue_dedupe as d (lane, key, id, until)
    select $1, dedupe, seq, statement_timestamp() + window_ms * interval '1 ms' from firsts order by dedupe
    on conflict (lane, key) do update set
      id = case when d.until <= statement_timestamp() then excluded.id else d.id end,
      until = case when d.until <= statement_timestamp() then excluded.until else d.until end
    returning key, id),
  stored as (
    insert into ashlar.queue_messages (seq, id, lane, rank, at, sent_at, key, head, body, meta)
    select seq, seq, $1, rank, statement_timestamp() + delay_ms * interval '1 ms', statement_timestamp(), numbered.key,
      numbered.key is null, body, meta
    from numbered left join claimed on claimed.key = numbered.dedupe
    where numbered.dedupe is null or claimed.id = numbered.seq
    order by n)
  select coalesce(claimed.id, numbered.seq)::text as id
  from numbered left join claimed on claimed.key = numbered.dedupe order by n`

/** Outdated dedupe keys; what is locked is in use. */
export const sweepText = `
  delete from ashlar.queue_dedupe d using (
    select lane, key from ashlar.queue_dedupe where lane = $1 and until < statement_timestamp()
    limit 10000 for update skip locked) outdated
  where d.lane = outdated.lane and d.key = outdated.key`

/** What is lent of a queue: nothing while it is paused. */
export const gateText = 'select not paused from ashlar.queues where id = $lane'
export const pauseText = 'update ashlar.queues set paused = $2 where id = $1 and paused <> $2'
export const isPausedText = 'select paused from ashlar.queues where id = $1'
