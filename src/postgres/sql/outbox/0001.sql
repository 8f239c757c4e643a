-- What was sent inside a transaction to an engine that cannot take part in it. The row's commit is the sending;
-- a relay publishes it, then deletes it.
create table ashlar.outbox (
  id bigint generated always as identity primary key,
  target text not null,
  key text,
  body text not null,
  headers jsonb not null,
  added_at timestamptz not null default clock_timestamp(),
  attempts int not null default 0,
  retry_at timestamptz,
  error text
);

create index outbox_next on ashlar.outbox (target, id) where retry_at is null;
-- Messages that their engine refuses hold back those of the same key.
create index outbox_refused on ashlar.outbox (target, key, id) where retry_at is not null;
