-- Sessions of all services in this database. Logged (durable): a crash must log nobody out.
create table ashlar.sessions (
  name        text        not null,             -- <service>.<block>
  id_hash     text        not null,             -- SHA-256 of the id, base64url; the id itself is nowhere
  user_id     text,
  data        text        not null,             -- JSON text of an object; text, since jsonb refuses \u0000 and lone surrogates
  version     integer     not null default 1,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null,             -- the earlier of idle and absolute end
  absolute_at timestamptz not null,
  primary key (name, id_hash)
) with (fillfactor = 80);

create index sessions_of_user on ashlar.sessions (name, user_id) where user_id is not null;
create index sessions_by_end on ashlar.sessions (expires_at);
