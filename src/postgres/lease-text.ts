/*
 * The statements of `LeaseTable`. A block that uses it makes, in its own migration, for its prefix P:
 *
 *   sequence ashlar.P_seq, sequence ashlar.P_lease
 *   table ashlar.P_messages (seq bigint primary key, id bigint, lane bigint, rank smallint, at timestamptz, lease bigint,
 *     attempt int, sent_at timestamptz, key text, head boolean, body text, meta text, error text, history jsonb)
 *   unique index (lane, rank, at, seq) where head; index (lane, key, seq) where key is not null
 *   table ashlar.P_dead (lane bigint, id bigint, rank smallint, sent_at timestamptz, key text, body text, meta text,
 *     attempts int, error text, died_at timestamptz, history jsonb, primary key (lane, id)); index (lane, died_at, id)
 *
 * `seq` is the order; `id` is what users see, and stays when a dead letter is sent again. `rank` is minus the priority.
 * `history` has the newest failed attempts: [{attempt, at (ms), error}, …]. A lease that nobody ended is one, too, found by
 * the next claim: only then is `lease` above 0 in a message that is due.
 *
 * Only a `head` is lent: a message without a key, or the first of its key. A message with a key is stored as no head. Whoever
 * stored or removed one with a key asks again after his commit which is first now, and makes it the head (`promoteText`). Of a
 * sender and a worker at the same time, the one that commits last sees what the other did. If one dies between his commit
 * and that question, the next look over all keys (`healText`) mends it.
 */

/** As `src/lease/lease.ts` has them. */
const maxHistory = 10
const maxErrorLength = 500
const leaseEnded = 'the lease ended: the worker died, or was too late'

const waitLimit = '10s'

/** A history with one more failure: that of the row's `attempt`. */
function withFailure(history: string, at: string, error: string): string {
  return `case when jsonb_array_length(${history}) >= ${maxHistory} then ${history} - 0 else coalesce(${history}, '[]') end
    || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', floor(extract(epoch from ${at}) * 1000),
      'error', left(${error}, ${maxErrorLength})))`
}

/**
 * Ranks are looked at one by one, from the most urgent: each is one short index scan. A gate that is shut is a limit of 0,
 * known before the first row.
 */
export function claimText(prefix: string, gate?: string): string {
  const max = gate === undefined ? '$max' : `(select case when (${gate}) then $max else 0 end)`
  return `set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off;
    set local synchronous_commit = off;
    with due as materialized (
      select next.seq from generate_series(-9, 0) as ranks(rank) cross join lateral (
        select m.seq from ashlar.${prefix}_messages m
        where m.lane = $lane and m.rank = ranks.rank and m.head and m.at <= statement_timestamp()
        order by m.at, m.seq limit $max for update of m skip locked) next
      limit ${max})
    update ashlar.${prefix}_messages m
    set at = statement_timestamp() + $leaseMs * interval '1 ms', lease = nextval('ashlar.${prefix}_lease'), attempt = attempt + 1,
      history = case when m.lease > 0 then ${withFailure('m.history', 'm.at', `'${leaseEnded}'`)} else m.history end
    from due where m.seq = due.seq
    returning m.id, m.body, m.meta, m.key, m.attempt, extract(epoch from m.sent_at) * 1000 as "sentMs",
      lpad(m.lease::text, 16, '0') || '.' || m.seq as token, m.rank, m.seq`
}

/**
 * A claim, and how many milliseconds from then on something falls due, be it a delay or the end of a lease: both in one
 * message, so that they see one clock and nothing falls due between them.
 */
export function lookText(prefix: string, gate?: string): string {
  return `${claimText(prefix, gate)};
    select extract(epoch from min(next.at) - statement_timestamp()) * 1000 as ms
    from generate_series(-9, 0) as ranks(rank) cross join lateral (
      select at from ashlar.${prefix}_messages m
      where m.lane = $lane and m.rank = ranks.rank and m.head and m.at > statement_timestamp()
      order by at limit 1) next`
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
      insert into ashlar.${prefix}_dead (lane, id, rank, sent_at, key, body, meta, attempts, error, died_at, history)
      select lane, id, rank, sent_at, key, body, meta, attempt, reason, clock_timestamp(),
        ${withFailure('history', 'clock_timestamp()', 'reason')}
      from gone where outcome = 'dead'),
    kept as (
      update ashlar.${prefix}_messages m
      set at = statement_timestamp() + g.delay_ms * interval '1 ms', lease = 0,
        attempt = m.attempt - (g.outcome = 'release')::int, error = case g.outcome when 'retry' then g.error else m.error end,
        history = case g.outcome when 'retry' then ${withFailure('m.history', 'clock_timestamp()', 'g.error')} else m.history end
      from given g
      where m.seq = g.seq and m.lease = g.lease and m.lane = $1 and g.outcome in ('retry', 'release')
      returning m.seq, g.lease as held)
    select seq, held, key from gone union all select seq, held, null from kept`
}

export function extendText(prefix: string): string {
  return `update ashlar.${prefix}_messages m set at = statement_timestamp() + $4::float8 * interval '1 ms'
    from unnest($2::bigint[], $3::bigint[]) as given(seq, lease)
    where m.seq = given.seq and m.lease = given.lease and m.lane = $1
    returning m.seq, m.lease as held`
}

export function deadText(prefix: string): string {
  return `select id::text as id, body, meta, attempts, error, died_at as "diedAt", history::text as history from ashlar.${prefix}_dead
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
    insert into ashlar.${prefix}_messages (seq, id, lane, rank, at, sent_at, key, head, body, meta)
    select seq, id, lane, rank, statement_timestamp(), sent_at, key, key is null, body, meta from numbered
    returning key`
}

/** Makes the first message of each key a head. What is locked is being removed, and whoever does so asks after him. */
export function promoteText(
  prefix: string,
  keys = 'select $1::bigint as lane, key from unnest($2::text[]) as keys(key)',
) {
  return `update ashlar.${prefix}_messages m set head = true
    from (
      select m.seq from (${keys}) k
      cross join lateral (
        select f.seq from ashlar.${prefix}_messages f where f.lane = k.lane and f.key = k.key order by f.seq limit 1) first
      join ashlar.${prefix}_messages m on m.seq = first.seq
      where not m.head for no key update of m skip locked) found
    where m.seq = found.seq`
}

/** The same for all keys of a lane ($1), walked from one to the next. */
export function healText(prefix: string): string {
  const next = (from: string) =>
    `select key from ashlar.${prefix}_messages where lane = $1 and ${from} order by key limit 1`
  return `with recursive keys(key) as (
      (${next('key is not null')}) union all select (${next('key > keys.key')}) from keys where keys.key is not null)
    ${promoteText(prefix, 'select $1::bigint as lane, key from keys where key is not null')}`
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
      count(*) filter (where at <= statement_timestamp())::int as ready,
      count(*) filter (where at > statement_timestamp() and lease = 0)::int as delayed,
      count(*) filter (where at > statement_timestamp() and lease > 0)::int as leased,
      (select count(*)::int from (select from ashlar.${prefix}_dead where lane = $1 limit ${countLimit}) d) as dead,
      coalesce(greatest(extract(epoch from statement_timestamp() - min(at)) * 1000, 0), 0)::float8 as "oldestAgeMs"
    from (${rowsOf(prefix, '$1', 'at, lease', countLimit)}) counted`
}

/** All messages of a lane by the two indexes: the heads, and those behind them. */
export function rowsOf(prefix: string, lane: string, columns: string, limit: number): string {
  return `(select ${columns} from ashlar.${prefix}_messages where lane = ${lane} and head limit ${limit}) union all
    (select ${columns} from ashlar.${prefix}_messages where lane = ${lane} and key is not null and not head limit ${limit})`
}
