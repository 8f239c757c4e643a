-- Entries of all caches of all services in this database. Unlogged: a server crash empties it, which is no loss of data.
create unlogged table ashlar.cache (
  name       text        not null,                -- <service>.<block>
  key        text        not null,                -- as given, or 'sha256:…' of a long or odd one
  value      text        not null,                -- JSON text
  bytes      integer     not null,                -- of the value, uncompressed
  tags       text[]      not null,
  expires_at timestamptz not null,                -- no index: overwrites stay in their page (HOT); the sweep walks the table
  primary key (name, key)
) with (fillfactor = 70);

create index cache_by_tag on ashlar.cache using gin (tags) where tags <> '{}';

-- Who loads which key now. A deletion takes the lock away, and with it the right to keep what was loaded.
create unlogged table ashlar.cache_locks (
  name  text        not null,
  key   text        not null,
  token text        not null,
  tags  text[]      not null,
  until timestamptz not null,
  primary key (name, key)
) with (fillfactor = 50);

-- When each cache was last swept: one process at a time, now and then. The name '' is the walk through the whole table.
create unlogged table ashlar.cache_sweeps (
  name     text        primary key,
  swept_at timestamptz not null default now()
);
