create schema if not exists ashlar;

-- One row a capture: what it follows, and whether the rows that were there before have been copied.
create table ashlar.captures (
  name text primary key,
  tables text[] not null,
  slot text not null,
  copied boolean not null default false,
  made_at timestamptz not null default now()
);
