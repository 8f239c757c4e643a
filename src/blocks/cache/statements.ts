/** The SQL of the Postgres driver: $1 is always the cache's name. Rows are locked in the order of their keys: no two statements wait for each other. */

const ms = `interval '1 millisecond'`

export const get = `
  select key, value, (extract(epoch from expires_at - now()) * 1000)::float8 as left_ms
    from ashlar.cache where name = $1 and key = any($2::text[]) and expires_at > now()`

/**
 * $2 keys, $3 values, $4 ttls, $5 tags, $6 tokens, $7 digests, $8 channel, $9 sender. The locks go first (the join makes it so):
 * a write with a token needs its lock, one without takes it from whoever has it; so of a load and a deletion or overwrite that cross,
 * the load always loses. Only what replaced a row is told to others, with the commit.
 */
export const set = `
  with input as (
    select * from unnest($2::text[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[]) as t (key, value, ttl, tags, token, digest)
  ), locked as (
    select l.key from ashlar.cache_locks l join input i on i.key = l.key where l.name = $1 order by l.key for update of l
  ), freed as (
    delete from ashlar.cache_locks l using locked k, input i
     where l.name = $1 and l.key = k.key and i.key = k.key and (i.token is null or i.token = l.token)
    returning l.key, l.until
  ), written as (
    insert into ashlar.cache as c (name, key, value, bytes, tags, expires_at)
    select $1, i.key, i.value, octet_length(i.value), i.tags::text[], now() + i.ttl * ${ms}
      from input i cross join (select count(*) from freed) as first
     where i.token is null or exists (select from freed f where f.key = i.key and f.until > now())
     order by i.key
    on conflict (name, key) do update
      set value = excluded.value, bytes = excluded.bytes, tags = excluded.tags, expires_at = excluded.expires_at
    returning key, xmax <> 0 as replaced
  ), told as (
    select pg_notify($8, $9 || ':' || string_agg(i.digest, ',')) from written w join input i on i.key = w.key
     where w.replaced having count(*) > 0
  )
  select key, (select count(*) from told) as told from written`

export const dropLocks = `
  with doomed as (select key from ashlar.cache_locks where name = $1 and key = any($2::text[]) order by key for update)
  delete from ashlar.cache_locks l using doomed d where l.name = $1 and l.key = d.key`

export const remove = `
  with doomed as (select key from ashlar.cache where name = $1 and key = any($2::text[]) order by key for update),
  gone as (delete from ashlar.cache c using doomed d where c.name = $1 and c.key = d.key returning 1)
  select count(*), pg_notify($3, $4) from gone`

export const dropTaggedLocks = `
  with doomed as (select key from ashlar.cache_locks where name = $1 and tags && $2::text[] order by key for update)
  delete from ashlar.cache_locks l using doomed d where l.name = $1 and l.key = d.key`

/** At most $3 of them; `tags <> '{}'` lets it use the index. */
export const removeTagged = `
  with doomed as (
    select key from ashlar.cache where name = $1 and tags && $2::text[] and tags <> '{}' order by key limit $3 for update
  )
  delete from ashlar.cache c using doomed d where c.name = $1 and c.key = d.key returning c.key`

export const lock = `
  insert into ashlar.cache_locks as l (name, key, token, tags, until)
  values ($1, $2, $3, $5::text[], now() + $4::float8 * ${ms})
  on conflict (name, key) do update set token = excluded.token, tags = excluded.tags, until = excluded.until
   where l.until <= now() or l.token = excluded.token`

export const prolong = `
  update ashlar.cache_locks set until = now() + $4::float8 * ${ms}
   where name = $1 and key = $2 and token = $3 and until > now()`

export const unlock = `delete from ashlar.cache_locks where name = $1 and key = $2 and token = $3`

export const stats = `
  select count(*) as entries, coalesce(sum(bytes), 0)::int8 as bytes from ashlar.cache where name = $1 and expires_at > now()`

export const claimSweep = `
  insert into ashlar.cache_sweeps as s (name) values ($1)
  on conflict (name) do update set swept_at = now() where s.swept_at < now() - $2::float8 * ${ms}`

export const pages = `
  select pg_relation_size('ashlar.cache') / current_setting('block_size')::int8 as pages`

/** Pages $1 up to $2 of the table, of all names. */
export const sweepPages = `
  delete from ashlar.cache where ctid >= format('(%s,0)', $1::int8)::tid and ctid < format('(%s,0)', $2::int8)::tid
                             and expires_at <= now()`

export const sweepLocks = `delete from ashlar.cache_locks where until < now() - interval '1 minute'`

export const evict = `
  delete from ashlar.cache where ctid = any(array(
    select ctid from ashlar.cache where name = $1 order by expires_at limit $2 for update skip locked))`
