import {
  app,
  blueprint,
  bucket,
  cache,
  database,
  edge,
  limiter,
  queue,
  search,
  sessions,
  stream,
  topic,
  worker,
} from 'ashlar'
import type { MailJob, PhotoCard, PhotoDocument, Published, ResizeJob, View } from './model.ts'

/** How often a picture is tried. */
export const resizeAttempts = 5

/** Shutter: a photo-sharing site, with every block where a need forced it. */
export const shutter = blueprint('shutter', {
  db: database({
    migrations: new URL('./migrations/', import.meta.url),
    replicas: 1,
    because: 'feeds are read about sixty times for each upload: reads go to a replica, writes to the primary',
    expect: { lagMs: '1s' },
  }),
  sessions: sessions({
    idle: '7d',
    absolute: '30d',
    because: 'any instance must know who is logged in, so that none is special',
  }),
  feed: cache<PhotoCard[]>({
    ttl: '30s',
    policy: 'lfu',
    because: 'most visitors look at the same few feeds',
    expect: { hitRate: 0.8 },
  }),
  photos: bucket({
    maxBytes: '25mb',
    because: 'pictures are large, written once and read by their name: no work for a database',
  }),
  resize: queue<ResizeJob>({
    attempts: resizeAttempts,
    visibility: '30s',
    because: 'resizing takes a second and nobody should wait for it',
    expect: { oldestAgeMs: '10s' },
  }),
  mail: queue<MailJob>({
    attempts: 8,
    backoff: '5s',
    because: 'a mail server may be slow or away; the visitor should not notice',
    expect: { dead: 0 },
  }),
  published: topic<Published>({
    because: 'a new photo concerns several parts of the site, which need not know each other',
  }),
  views: stream<View>({
    partitions: 8,
    key: ({ photo }) => photo,
    retain: '7d',
    because: 'every view counts, in order per photo, and can be counted again after a mistake',
    expect: { lag: 1000 },
  }),
  index: search<PhotoDocument>({
    text: { title: 3, tags: 2, caption: 1 },
    facets: ['tags', 'camera'],
    complete: 'title',
    because: 'people search by words, and misspell them; a LIKE over all rows ranks nothing and forgives nothing',
  }),
  perUser: limiter({
    rate: '50/s',
    burst: 100,
    failure: 'local',
    because: 'one visitor must not use up what all share',
  }),
  logins: limiter({ rate: '10/m', burst: 10, failure: 'local', because: 'passwords must not be guessed by trying' }),
  web: app(() => import('./app.ts'), {
    instances: 2,
    // Pictures go to the bucket: what comes here are forms.
    maxBody: '64kb',
    because: 'one instance can be replaced, or die, while the other answers',
  }),
  work: worker(() => import('./workers.ts'), { because: 'resizing and mail take their time elsewhere' }),
  front: edge({
    listen: 8080,
    because: 'one address for all: it limits, balances, and keeps pictures close',
    expect: { hitRate: 0.5 },
    routes: [
      // Keys that begin with `img/` are for everyone; originals lie beside them, out of reach.
      { path: '/img/*', to: 'photos', strip: false, cache: { immutable: true } },
      { path: '/api/*', to: 'web', balance: 'least-connections', limit: 'perUser' },
      { path: '/*', to: 'web', balance: 'least-connections' },
    ],
  }),
})
