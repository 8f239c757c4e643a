create schema if not exists ashlar;

-- A subscription's id is the lane of its messages. `filter` is {attribute: [value, …]}.
create table ashlar.topic_subscriptions (
  id bigint generated always as identity primary key,
  topic text not null,
  name text not null,
  filter jsonb not null,
  unique (topic, name)
);

create sequence ashlar.topic_seq;
create sequence ashlar.topic_lease;

-- One row for each message and subscription that has not settled it. Columns as of ashlar.queue_messages; `id` is the
-- message's, the same in all subscriptions.
create table ashlar.topic_messages (
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

create unique index topic_messages_due on ashlar.topic_messages (lane, rank, at, seq) where head;
create index topic_messages_key on ashlar.topic_messages (lane, key, seq) where key is not null;

create table ashlar.topic_dead (
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

create index topic_dead_oldest on ashlar.topic_dead (lane, died_at, id);
