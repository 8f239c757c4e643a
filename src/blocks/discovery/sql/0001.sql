-- One row per registered instance. Renewals touch only expires_at, which no index holds, so they are HOT updates.
create table ashlar.discovery (
  registry   text not null,        -- engine name of the block
  id         text not null,
  service    text not null,
  host       text not null,
  port       integer not null,
  meta       jsonb not null,
  expires_at timestamptz not null, -- by the database's clock; a row past it counts as gone
  primary key (registry, id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

create index discovery_service on ashlar.discovery (registry, service);
