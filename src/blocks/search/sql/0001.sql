-- A generation is one building of one index: the index in use, one being filled by a rebuild, or one being dropped.
create table ashlar.search_generations (
  generation bigint generated always as identity primary key,
  name text not null,
  state text not null check (state in ('live', 'building', 'dropped')),
  fields text not null,
  -- A rebuild that has not shown itself here for a minute is dead.
  beat_at timestamptz not null default now()
);
create unique index search_generations_live on ashlar.search_generations (name) where state = 'live';
create unique index search_generations_building on ashlar.search_generations (name) where state = 'building';

-- Words and facet values carry the generation as a prefix, so that one index over all generations reads only its own.
create table ashlar.search_documents (
  generation bigint not null,
  id text collate "C" not null,
  version bigint not null,
  deleted boolean not null,
  changed_at timestamptz not null default now(),
  words tsvector not null,
  facets text[] not null,
  complete text,
  completing text collate "C",
  source text not null,
  primary key (generation, id)
);
create index search_documents_words on ashlar.search_documents using gin (words, facets) with (gin_pending_list_limit = 256);
create index search_documents_newest on ashlar.search_documents (generation, version desc, id) where not deleted;
create index search_documents_complete on ashlar.search_documents (generation, completing) where completing is not null;
create index search_documents_deleted on ashlar.search_documents (generation, changed_at) where deleted;

-- Every word seen that a misspelt one may mean, with hashes of what is left when letters are taken away: two words near each other share one of them.
create table ashlar.search_words (
  generation bigint not null,
  word text collate "C" not null,
  shortened int[] not null,
  primary key (generation, word)
);
create index search_words_shortened on ashlar.search_words using gin (shortened) with (gin_pending_list_limit = 256);
