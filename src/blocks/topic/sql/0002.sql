-- What a subscription holds at most: no messages older than keep_ms, no more than keep_messages (null: any number).
alter table ashlar.topic_subscriptions
  add keep_ms bigint not null default 604800000,
  add keep_messages bigint default 1000000,
  add dropped bigint not null default 0;

-- When a message came, or came again from the dead letters. Those that are there already: now.
alter table ashlar.topic_messages add kept_at timestamptz not null default statement_timestamp();
