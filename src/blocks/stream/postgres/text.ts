/** `$1` is the stream's id in all of them. */

export const openText = `
  with made as (
    insert into ashlar.streams (name, partitions) values ($1, $2)
    on conflict (name) do nothing returning id, partitions
  ), filled as (
    insert into ashlar.stream_partitions (stream_id, partition)
    select id, generate_series(0, partitions - 1) from made
  )
  select id, partitions from made union all select id, partitions from ashlar.streams where name = $1`

export const appendText = 'select base from ashlar.stream_append($1, $2::int[], $3::int[], $4::bytea[])'

/**
 * The batches from an offset on, bounded on both sides whatever the planner believes: `$4` records lie below offset + `$4`,
 * and the first of them in a batch that begins at most `$6` (the longest batch) before it. Sizes are read first, so that
 * at most about `$5` bytes of payloads are. By ctid, since a join of a table that has no statistics yet may be quadratic.
 */
export const readText = `
  with place as materialized (
    select greatest($3, start_offset) as first from ashlar.stream_partitions where stream_id = $1 and partition = $2
  ), sized as (
    select ctid, sum(octet_length(payload)) over (order by base) - octet_length(payload) as before
    from ashlar.stream_batches
    where stream_id = $1 and partition = $2 and base > (select first from place) - $6
      and base < (select first from place) + $4 and base + count > (select first from place))
  select base, (extract(epoch from at) * 1000)::float8 as at, payload from ashlar.stream_batches
  where ctid = any (array(select ctid from sized where before < $5)) order by base`

const lastBatch = `
  left join lateral (select base + count as ends from ashlar.stream_batches b
    where b.stream_id = p.stream_id and b.partition = p.partition order by base desc limit 1) last on true`

export const endsText = `
  select p.partition, coalesce(last.ends, p.start_offset) as ends from ashlar.stream_partitions p ${lastBatch}
  where p.stream_id = $1 and p.partition = any ($2::int[])`

export const boundsText = `
  select p.start_offset as start, coalesce(last.ends, p.start_offset) as "end"
  from ashlar.stream_partitions p ${lastBatch} where p.stream_id = $1 order by p.partition`

export const offsetsAtText = `
  select coalesce(found.base, last.ends, p.start_offset) as at from ashlar.stream_partitions p ${lastBatch}
  left join lateral (select base from ashlar.stream_batches b
    where b.stream_id = p.stream_id and b.partition = p.partition
      and b.at >= 'epoch'::timestamptz + $2 * interval '1 millisecond'
    order by b.at, b.base limit 1) found on true
  where p.stream_id = $1 order by p.partition`

const tooOld = `($2::float8 is not null and first.at < clock_timestamp() - $2 * interval '1 millisecond')`

/** Partitions whose oldest batch is to go, with the bytes up to which all are. */
export const trimmableText = `
  select p.partition, last.until_bytes - coalesce($3::int8, last.until_bytes) as cut from ashlar.stream_partitions p
  join lateral (select at, until_bytes from ashlar.stream_batches b
    where b.stream_id = p.stream_id and b.partition = p.partition order by base limit 1) first on true
  join lateral (select until_bytes from ashlar.stream_batches b
    where b.stream_id = p.stream_id and b.partition = p.partition order by base desc limit 1) last on true
  where p.stream_id = $1
    and (${tooOld} or ($3::int8 is not null and first.until_bytes <= last.until_bytes - $3))`

/** Drops the oldest batches, at most 1000: always from the start on, since time and bytes only grow. */
export const trimText = `
  with gone as (
    delete from ashlar.stream_batches first
    where ctid = any (array(select ctid from ashlar.stream_batches
        where stream_id = $1 and partition = $3 order by base limit 1000))
      and (${tooOld} or first.until_bytes <= $4)
    returning base + count as ends, count)
  update ashlar.stream_partitions set start_offset = greatest(start_offset, (select max(ends) from gone))
  where stream_id = $1 and partition = $3 and exists (select from gone)
  returning (select sum(count)::int8 from gone) as dropped`

export const trimParkedText = `
  delete from ashlar.stream_parked where ctid = any (array(
    select ctid from ashlar.stream_parked
    where stream_id = $1 and parked_at < clock_timestamp() - $2 * interval '1 millisecond' limit 1000))`

export const groupsText = `
  select g.name as "group",
    (select count(*) from ashlar.stream_members m
      where m.stream_id = g.stream_id and m.group_name = g.name and m.until > clock_timestamp()) as members,
    (select count(*) from ashlar.stream_parked k where k.stream_id = g.stream_id and k.group_name = g.name) as parked,
    o.partition, o.next
  from ashlar.stream_groups g left join ashlar.stream_offsets o on o.stream_id = g.stream_id and o.group_name = g.name
  where g.stream_id = $1 order by g.name, o.partition`

export const committedText =
  'select partition, next from ashlar.stream_offsets where stream_id = $1 and group_name = $2'

export const ensureGroupText =
  'insert into ashlar.stream_groups (stream_id, name) values ($1, $2) on conflict do nothing'

/** A group and its members as one JSON value each, and the clock. */
export const groupText = `
  select g.generation, g.slots, g.settling, g.joins, g.version,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs",
    coalesce((select json_agg(json_build_object('id', m.id, 'untilMs', extract(epoch from m.until) * 1000,
        'joined', m.joined, 'slot', m.slot, 'ready', m.ready))
      from ashlar.stream_members m where m.stream_id = $1 and m.group_name = $2), '[]') as members
  from ashlar.stream_groups g where g.stream_id = $1 and g.name = $2`

/** Writes a group as it was worked out from version `$3`, or nothing when another was faster. `$8`: who beats, until when. */
export const saveGroupText = `
  with held as (
    update ashlar.stream_groups set generation = $4, slots = $5, settling = $6, joins = $7, version = version + 1
    where stream_id = $1 and name = $2 and version = $3 returning 1
  ), gone as (
    delete from ashlar.stream_members where stream_id = $1 and group_name = $2 and id <> all ($10::text[])
      and exists (select from held)
  ), saved as (
    insert into ashlar.stream_members as m (stream_id, group_name, id, until, joined, slot, ready)
    select $1, $2, id, clock_timestamp() + $9 * interval '1 millisecond', joined, slot, ready
    from unnest($10::text[], $11::int8[], $12::int[], $13::bool[]) as member (id, joined, slot, ready)
    where exists (select from held)
    on conflict (stream_id, group_name, id) do update set slot = excluded.slot, ready = excluded.ready,
      until = case when m.id = $8 then excluded.until else m.until end
  )
  select count(*) as saved from held`

/** The usual heartbeat: nothing has changed and nobody's session has ended. */
export const beatText = `
  update ashlar.stream_members m set until = clock_timestamp() + $5 * interval '1 millisecond'
  from ashlar.stream_groups g
  where m.stream_id = $1 and m.group_name = $2 and m.id = $3 and g.stream_id = $1 and g.name = $2
    and g.generation = $4 and not g.settling and not exists (
      select from ashlar.stream_members o
      where o.stream_id = $1 and o.group_name = $2 and o.until <= clock_timestamp())`

/** Takes the group's row first, so that no generation begins while offsets of the one before are written. */
export const commitText = `
  with held as (
    select from ashlar.stream_groups g
    join ashlar.stream_members m on m.stream_id = g.stream_id and m.group_name = g.name and m.id = $3
    where g.stream_id = $1 and g.name = $2 and g.generation = $4
      and not exists (select from unnest($5::int[]) part where part % nullif(g.slots, 0) is distinct from m.slot)
    for share of g
  ), saved as (
    insert into ashlar.stream_offsets as o (stream_id, group_name, partition, next)
    select $1, $2, partition, next from unnest($5::int[], $6::int8[]) as done (partition, next)
    where exists (select from held) order by partition
    on conflict (stream_id, group_name, partition) do update set next = excluded.next where o.next < excluded.next
  )
  select count(*) as held from held`

/** Moves a group as of version `$3`, which had no members. */
export const seekText = `
  with held as (
    update ashlar.stream_groups set version = version + 1 where stream_id = $1 and name = $2 and version = $3 returning 1
  ), saved as (
    insert into ashlar.stream_offsets (stream_id, group_name, partition, next)
    select $1, $2, partition, next from unnest($4::int[], $5::int8[]) as wanted (partition, next)
    where exists (select from held)
    on conflict (stream_id, group_name, partition) do update set next = excluded.next
  )
  select count(*) as held from held`

export const parkText = `
  insert into ashlar.stream_parked (stream_id, group_name, partition, at_offset, key, value, headers, at, error)
  select $1, $2, partition, at_offset, key, value, headers, 'epoch'::timestamptz + at * interval '1 millisecond', error
  from unnest($3::int[], $4::int8[], $5::bytea[], $6::bytea[], $7::text[], $8::float8[], $9::text[])
    as record (partition, at_offset, key, value, headers, at, error)
  on conflict do nothing`

export const parkedText = `
  select partition, at_offset as offset, key, value, headers, (extract(epoch from at) * 1000)::float8 as timestamp, error
  from ashlar.stream_parked where stream_id = $1 and group_name = $2 order by parked_at, partition, at_offset limit $3`
