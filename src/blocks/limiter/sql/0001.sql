-- Buckets of all services in this database. Unlogged: after a crash of the server it is empty, and every bucket is full again.
create unlogged table ashlar.limiter (
  name    text        not null,                 -- <service>.<block>
  key     text        not null,                 -- as given, or 'sha256:…' of a long or odd one
  tokens  float8      not null,                 -- in the bucket at that time; a rounding error may take it a trifle below 0
  at      timestamptz not null,                 -- never goes back
  full_at timestamptz not null,                 -- the bucket is full from here on: the row says nothing any more
  asked   integer     not null,                 -- of the last statement: how many takes,
  cost    float8      not null,                 -- of what cost each,
  granted integer     not null,                 -- and how many of them passed
  primary key (name, key)
) with (fillfactor = 50);

-- Whose turn it is to sweep: one process at a time, now and then.
create unlogged table ashlar.limiter_sweep (
  one      boolean     primary key default true check (one),
  swept_at timestamptz not null default now()
);
