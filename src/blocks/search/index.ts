import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import type { SearchDriver } from './driver.ts'
import { OpenIndex } from './open.ts'
import { readFields } from './options.ts'
import type { Search, SearchOptions } from './search.ts'

export type { FieldOf, Hit, Search, SearchOptions, SearchQuery, SearchResult, TextOf } from './search.ts'
export type { Fields, FoundDocument, Hits, Indexed, IndexedDocument, Indexing, Query, SearchDriver } from './driver.ts'

const card: Card = {
  job: 'Finds documents by their words, ranked, misspelt ones too; counts facets and completes what is being typed.',
  reachFor:
    'When people search text and expect the best first: LIKE with wildcards reads every row, ranks nothing and knows no typos.',
  costs:
    'A second copy of the data that follows the first with a delay, has to be kept in step, and now and then is built anew.',
  alternative:
    'A database index on the exact columns that are asked for, when people filter and sort but do not search.',
}

function kindOf<D extends object>(): Kind<Search<D>, SearchOptions<D>, SearchDriver> {
  return {
    kind: 'search',
    card,
    options: ['text', 'facets', 'complete', 'id', 'schema'],
    drivers: {
      postgres: () => import('./postgres/index.ts'),
      memory: () => import('./memory.ts'),
    },
    check: (options) => void readFields(options),
    build: (context, opened, options) => OpenIndex.open({ ...opened, context, options }),
  }
}

/** A search index of a blueprint: `photos: search<Photo>({ text: { title: 3, tags: 2 }, facets: ['tags'] })`. @throws `invalid_argument` */
export function search<D extends object>(options: SearchOptions<D>): Declaration<Search<D>, SearchOptions<D>>
/**
 * A search index alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using photos = await search<Photo>('photos', { url: 'postgres://localhost/shop', text: { title: 3, caption: 1 } })
 * await photos.put({ id: 'p1', title: 'Dusk at sea' })
 * const { hits } = await photos.search('dusk sae')
 */
export function search<D extends object>(name: string, options: SearchOptions<D> & AloneOptions): Promise<Search<D>>
export function search<D extends object>(
  first: string | SearchOptions<D>,
  options = {} as SearchOptions<D> & AloneOptions,
): Declaration<Search<D>, SearchOptions<D>> | Promise<Search<D>> {
  const kind = kindOf<D>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
