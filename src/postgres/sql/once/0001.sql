-- Marks of effects that must happen once, however often their message comes.
create table ashlar.once (
  scope text not null,
  key text not null,
  done_at timestamptz not null default now(),
  primary key (scope, key)
);

create index once_done_at on ashlar.once (done_at);
