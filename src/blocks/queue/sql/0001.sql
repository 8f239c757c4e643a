create schema if not exists ashlar;

create table ashlar.queues (
  id bigint generated always as identity primary key,
  name text not null unique
);

create sequence ashlar.queue_seq;
create sequence ashlar.queue_lease;

-- One row a message that is not settled. `at` is its due time, the end of its lease, or the end of a retry's wait. Only a
-- `head` is lent: a message without a key, or the first of its key.
create table ashlar.queue_messages (
  seq bigint primary key,
  id bigint not null,
  lane bigint not null,
  rank smallint not null default 0,
  at timestamptz not null,
  lease bigint not null default 0,
  attempt integer not null default 0,
  sent_at timestamptz not null,
  key text,
  head boolean not null,
  body text not null,
  meta text not null,
  error text
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.1);

create unique index queue_messages_due on ashlar.queue_messages (lane, rank, at, seq) where head;
create index queue_messages_key on ashlar.queue_messages (lane, key, seq) where key is not null;

create table ashlar.queue_dead (
  lane bigint not null,
  id bigint not null,
  rank smallint not null,
  sent_at timestamptz not null,
  key text,
  body text not null,
  meta text not null,
  attempts integer not null,
  error text not null,
  died_at timestamptz not null,
  primary key (lane, id)
);

create index queue_dead_oldest on ashlar.queue_dead (lane, died_at, id);

-- Dedupe keys, each with the id of the message that was sent under it, until its window ends.
create table ashlar.queue_dedupe (
  lane bigint not null,
  key text not null,
  id bigint not null,
  until timestamptz not null,
  primary key (lane, key)
);

create index queue_dedupe_until on ashlar.queue_dedupe (lane, until);
