create table members (
  id uuid primary key default gen_random_uuid(),
  email text not null,
  handle text not null,
  name text not null,
  bio text not null default '',
  avatar text not null default '',
  password text not null,
  admin boolean not null default false,
  joined_at timestamptz not null default now()
);
create unique index members_email on members (lower(email));
create unique index members_handle on members (lower(handle));

create table photos (
  id uuid primary key default gen_random_uuid(),
  author uuid not null references members on delete cascade,
  upload text not null unique,
  title text not null,
  caption text not null default '',
  tags text[] not null default '{}',
  attribution text,
  state text not null default 'preparing' check (state in ('preparing', 'ready', 'failed')),
  problem text,
  width integer not null default 3,
  height integer not null default 2,
  colour text not null default '#888888',
  sizes jsonb not null default '[]',
  exif jsonb not null default '{}',
  likes integer not null default 0,
  version bigint not null default 1,
  published_at timestamptz not null default clock_timestamp()
);
create index photos_newest on photos (published_at desc, id desc);
create index photos_by_author on photos (author, published_at desc, id desc);
create index photos_by_tag on photos using gin (tags);

create table likes (
  photo uuid not null references photos on delete cascade,
  member uuid not null references members on delete cascade,
  at timestamptz not null default now(),
  primary key (photo, member)
);

-- Views per photo and hour, counted from the stream; `counted` is how far each partition has been counted.
create table view_counts (
  photo uuid not null,
  hour timestamptz not null,
  views integer not null,
  primary key (photo, hour)
);
create table counted (
  partition integer primary key,
  next_offset bigint not null
);
