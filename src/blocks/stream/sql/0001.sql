create table ashlar.streams (
  id         bigint generated always as identity primary key,
  name       text not null unique, -- engine name of the block
  partitions integer not null
);

-- Changes only when retention drops batches: appends never touch it, so it does not bloat.
create table ashlar.stream_partitions (
  stream_id    bigint not null references ashlar.streams,
  partition    integer not null,
  start_offset bigint not null default 0, -- first offset kept; the end too, once nothing is
  primary key (stream_id, partition)
);

-- One row per batch of records, as in Kafka's own log. The payload's form is described in postgres/framing.ts.
create table ashlar.stream_batches (
  stream_id   bigint not null,
  partition   integer not null,
  base        bigint not null,  -- offset of the first record
  count       integer not null, -- offsets that it spans
  at          timestamptz not null, -- of the append, by the database's clock; never goes back within a partition
  until_bytes bigint not null,  -- payload bytes of the partition so far, this batch included
  payload     bytea not null,
  primary key (stream_id, partition, base)
);
alter table ashlar.stream_batches alter column payload set storage external;
create index stream_batches_at on ashlar.stream_batches (stream_id, partition, at);

create table ashlar.stream_groups (
  stream_id  bigint not null references ashlar.streams,
  name       text not null,
  generation bigint not null default 0,
  slots      integer not null default 0,
  settling   boolean not null default false,
  joins      bigint not null default 0,
  version    bigint not null default 0, -- of this row and its members together
  primary key (stream_id, name)
);

create table ashlar.stream_members (
  stream_id  bigint not null,
  group_name text not null,
  id         text not null,
  until      timestamptz not null, -- end of the session, by the database's clock
  joined     bigint not null,
  slot       integer,
  ready      boolean not null,
  primary key (stream_id, group_name, id)
) with (fillfactor = 50);

create table ashlar.stream_offsets (
  stream_id  bigint not null,
  group_name text not null,
  partition  integer not null,
  next       bigint not null, -- offset of the first record not yet handled
  primary key (stream_id, group_name, partition)
) with (fillfactor = 50);

create table ashlar.stream_parked (
  stream_id  bigint not null,
  group_name text not null,
  partition  integer not null,
  at_offset  bigint not null,
  key        bytea,
  value      bytea,
  headers    text not null,
  at         timestamptz not null,
  error      text not null,
  parked_at  timestamptz not null default now(),
  primary key (stream_id, group_name, partition, at_offset)
);

-- Appends batches, given in ascending order of partition, in a transaction of its own. Each partition's lock is held to the
-- commit, so offsets have no holes and none becomes visible after a later one. The lock is a statement before the one that
-- reads the end: only so does that one see what the holder before has committed, and only in READ COMMITTED.
create function ashlar.stream_append(stream bigint, parts integer[], counts integer[], payloads bytea[])
returns table (base bigint) language plpgsql volatile as $$
declare
  tail record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'ashlar.stream_append needs READ COMMITTED' using errcode = '25001';
  end if;
  for i in 1 .. cardinality(parts) loop
    perform pg_advisory_xact_lock(1634956148, ((stream * 1024 + parts[i]) % 2147483647)::integer); -- 'asst'
  end loop;
  for i in 1 .. cardinality(parts) loop
    select coalesce(b.base + b.count, p.start_offset) as ends, date_trunc('milliseconds', greatest(clock_timestamp(), b.at)) as at,
      coalesce(b.until_bytes, 0) as bytes
    into strict tail
    from ashlar.stream_partitions p left join lateral (
      select * from ashlar.stream_batches x where x.stream_id = stream and x.partition = parts[i]
      order by x.base desc limit 1) b on true
    where p.stream_id = stream and p.partition = parts[i];
    insert into ashlar.stream_batches values
      (stream, parts[i], tail.ends, counts[i], tail.at, tail.bytes + octet_length(payloads[i]), payloads[i]);
    base := tail.ends;
    return next;
  end loop;
end $$;
