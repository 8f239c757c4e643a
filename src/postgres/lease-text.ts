/*
 * The statements of `LeaseTable`. A block that uses it makes, in its own migration, for its prefix P:
 *
 *   sequence ashlar.P_seq, sequence ashlar.P_lease
 *   table ashlar.P_messages (seq bigint primary key, id bigint, lane bigint, rank smallint, at timestamptz, lease bigint,
 *     attempt int, sent_at timestamptz, key text, body text, meta text, error text)
 *   unique index (lane, rank, at, seq); index (lane, key, seq) where key is not null
 *   table ashlar.P_dead (lane bigint, id bigint, rank smallint, sent_at timestamptz, key text, body text, meta text,
 *     attempts int, error text, died_at timestamptz, primary key (lane, id)); index (lane, died_at, id)
 *
 * `seq` is the order; `id` is what users see, and stays when a dead letter is sent again. `rank` is minus the priority.
 */

const waitLimit = '10s'

/** Ranks are looked at one by one, from the most urgent: each is one short index scan. */
export function claimText(prefix: string): string {
  return `set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off;
    set local synchronous_commit = off;
    with due as materialized (
      select next.seq from generate_series(-9, 0) as ranks(rank) cross join lateral (
        select m.seq from ashlar.${prefix}_messages m
        where m.lane = $lane and m.rank = ranks.rank and m.at <= statement_timestamp()
          and (m.key is null or not exists (
            select from ashlar.${prefix}_messages e where e.lane = $lane and e.key = m.key and e.seq < m.seq))
        order by m.at, m.seq limit $max for update of m skip locked) next
      limit $max)
    update ashlar.${prefix}_messages m
    set at = statement_timestamp() + $leaseMs * interval '1 ms', lease = nextval('ashlar.${prefix}_lease'), attempt = attempt + 1
    from due where m.seq = due.seq
    returning m.id, m.body, m.meta, m.key, m.attempt, extract(epoch from m.sent_at) * 1000 as "sentMs",
      lpad(m.lease::text, 16, '0') || '.' || m.seq as token, m.rank, m.seq`
}

/**
 * A claim, and how many milliseconds from then on something falls due, be it a delay or the end of a lease: both in one
 * message, so that they see one clock and nothing falls due between them.
 */
export function lookText(prefix: string): string {
  return `${claimText(prefix)};
    select extract(epoch from min(next.at) - statement_timestamp()) * 1000 as ms
    from generate_series(-9, 0) as ranks(rank) cross join lateral (
      select at from ashlar.${prefix}_messages m
      where m.lane = $lane and m.rank = ranks.rank and m.at > statement_timestamp() order by at limit 1) next`
}

export function settleText(prefix: string): string {
  return `with given as (
      select * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::float8[], $6::text[])
        as given(seq, lease, outcome, delay_ms, error)),
    gone as (
      delete from ashlar.${prefix}_messages m using given g
      where m.seq = g.seq and m.lease = g.lease and m.lane = $1 and g.outcome in ('done', 'dead')
      returning m.*, g.outcome, g.error as reason, g.lease as held),
    buried as (
      insert into ashlar.${prefix}_dead (lane, id, rank, sent_at, key, body, meta, attempts, error, died_at)
      select lane, id, rank, sent_at, key, body, meta, attempt, reason, clock_timestamp() from gone where outcome = 'dead'),
    kept as (
      update ashlar.${prefix}_messages m
      set at = statement_timestamp() + g.delay_ms * interval '1 ms', lease = 0,
        attempt = m.attempt - (g.outcome = 'release')::int, error = case g.outcome when 'retry' then g.error else m.error end
      from given g
      where m.seq = g.seq and m.lease = g.lease and m.lane = $1 and g.outcome in ('retry', 'release')
      returning m.seq, g.lease as held)
    select seq, held from gone union all select seq, held from kept`
}

export function extendText(prefix: string): string {
  return `update ashlar.${prefix}_messages m set at = statement_timestamp() + $4::float8 * interval '1 ms'
    from unnest($2::bigint[], $3::bigint[]) as given(seq, lease)
    where m.seq = given.seq and m.lease = given.lease and m.lane = $1
    returning m.seq, m.lease as held`
}

export function deadText(prefix: string): string {
  return `select id::text as id, body, meta, attempts, error, died_at as "diedAt" from ashlar.${prefix}_dead
    where lane = $1 order by died_at, id limit $2`
}

export function redriveText(prefix: string): string {
  return `with picked as materialized (
      delete from ashlar.${prefix}_dead d using (
        select lane, id from ashlar.${prefix}_dead
        where lane = $1 and ($2::bigint[] is null or id = any($2)) and died_at <= $3::timestamptz
        order by died_at, id limit $4 for update skip locked) oldest
      where d.lane = oldest.lane and d.id = oldest.id returning d.*),
    locked as materialized (${lockKeys(`(select '${prefix}:' || lane as scope, key, true as limited from picked) keys`)}),
    numbered as (${number(prefix, 'picked', 'died_at, id')})
    insert into ashlar.${prefix}_messages (seq, id, lane, rank, at, sent_at, key, body, meta)
    select seq, id, lane, rank, statement_timestamp(), sent_at, key, body, meta from numbered`
}

/**
 * Takes the lock of each key, in one order for all, before sequence numbers are drawn: so among the messages of one key
 * the order of the numbers is the order of the commits, and whoever sees a message sees all earlier ones of its key.
 * Where `limited`, no lock is waited for longer than 10 s.
 */
export function lockKeys(from: string): string {
  return `select pg_advisory_xact_lock(hash) from (
    select distinct hashtextextended(scope || ':' || key, 0) as hash from ${from}
    where key is not null and (not limited or set_config('lock_timeout', '${waitLimit}', true) is not null)
    order by 1) hashes`
}

/** Draws the numbers, in the given order, once the locks are held. */
export function number(prefix: string, from: string, order: string): string {
  return `select case when locks is not null then nextval('ashlar.${prefix}_seq') end as seq, sorted.*
    from (select given.*, (select count(*) from locked) as locks from ${from} given order by ${order}) sorted`
}

/** Counting stops here: a count of millions would cost more than the work. */
const countLimit = 1_000_000

export function statsText(prefix: string): string {
  return `select
      coalesce(sum(ready), 0)::int as ready, coalesce(sum(delayed), 0)::int as delayed, coalesce(sum(leased), 0)::int as leased,
      (select count(*)::int from (select from ashlar.${prefix}_dead where lane = $1 limit ${countLimit}) d) as dead,
      coalesce(greatest(extract(epoch from statement_timestamp() - min(oldest)) * 1000, 0), 0)::float8 as "oldestAgeMs"
    from (
      select count(*) filter (where at <= statement_timestamp()) as ready,
        count(*) filter (where at > statement_timestamp() and lease = 0) as delayed,
        count(*) filter (where at > statement_timestamp() and lease > 0) as leased,
        min(at) filter (where at <= statement_timestamp()) as oldest
      from (select at, lease from ashlar.${prefix}_messages where lane = $1 limit ${countLimit}) m) counted`
}
