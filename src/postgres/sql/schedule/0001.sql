create schema if not exists ashlar;

-- What is to be sent when. The target is `<kind>:<engine name>`; `next_at` is the next tick, or the oldest one not sent yet.
create table ashlar.schedules (
  target text not null,
  name text not null,
  cron text not null,
  time_zone text not null,
  missed text not null,
  body text not null,
  next_at timestamptz not null,
  last_at timestamptz,
  skipped integer not null default 0,
  primary key (target, name)
);

create index schedules_due on ashlar.schedules (target, next_at);
