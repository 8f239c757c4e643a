import { wrap, type AloneOptions, type Card, type Declaration, type OpenContext } from '../../block.ts'
import { declare, openAlone, type DriverOpener, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import type { SearchDriver } from './driver.ts'
import { readFields } from './options.ts'
import { OpenIndex } from './open.ts'
import type { Search, SearchOptions } from './search.ts'

export type { FieldOf, Hit, Search, SearchOptions, SearchQuery, SearchResult, TextOf } from './search.ts'
export type { Fields, FoundDocument, Hits, Indexed, IndexedDocument, Indexing, Query, SearchDriver } from './driver.ts'

/** A driver as it is plugged in: opened, with its own mapping of errors to codes. */
export interface SearchEngine {
  driver: SearchDriver
  codeOf: (error: unknown) => Code | undefined
}

const card: Card = {
  job: 'Finds documents by their words, ranked, misspelt ones too; counts facets and completes what is being typed.',
  reachFor:
    'When people search text and expect the best first: LIKE with wildcards reads every row, ranks nothing and knows no typos.',
  costs:
    'A second copy of the data that follows the first with a delay, has to be kept in step, and now and then is built anew.',
  alternative:
    'A database index on the exact columns that are asked for, when people filter and sort but do not search.',
}

/** Every driver module exports these two. */
interface DriverModule {
  open(context: OpenContext): Promise<SearchDriver>
  codeOf(error: unknown): Code | undefined
}

function opener(scheme: string, { open, codeOf }: DriverModule): DriverOpener<SearchEngine> {
  return async (context) => {
    try {
      return { driver: await open(context), codeOf }
    } catch (error) {
      throw wrap(error, { block: context.name, driver: scheme, doing: 'opening' }, codeOf)
    }
  }
}

function kind<D extends object>(): Kind<Search<D>, SearchOptions<D>, SearchEngine> {
  return {
    kind: 'search',
    card,
    options: ['text', 'facets', 'complete', 'id', 'schema'],
    drivers: {
      postgres: async () => opener('postgres', await import('./postgres/index.ts')),
      memory: async () => opener('memory', await import('./memory.ts')),
    },
    check: (options) => void readFields(options),
    build: (context, { driver, codeOf }, options, scheme) => OpenIndex.open(context, driver, options, scheme, codeOf),
  }
}

/**
 * A search index of a blueprint. @throws `invalid_argument` for a wrong option
 * @example search<Photo>({ text: { title: 3, tags: 2, caption: 1 }, facets: ['tags'], complete: 'title' })
 */
export function search<D extends object>(options: SearchOptions<D>): Declaration<Search<D>, SearchOptions<D>>
/** A search index by itself, open. @throws `invalid_argument` `unsupported` `unavailable` `timeout` */
export function search<D extends object>(name: string, options: SearchOptions<D> & AloneOptions): Promise<Search<D>>
export function search<D extends object>(
  first: string | SearchOptions<D>,
  options?: SearchOptions<D> & AloneOptions,
): Declaration<Search<D>, SearchOptions<D>> | Promise<Search<D>> {
  return typeof first === 'string' ? alone(first, options!) : declare(kind<D>(), first)
}

async function alone<D extends object>(name: string, options: SearchOptions<D> & AloneOptions): Promise<Search<D>> {
  return openAlone(kind<D>(), name, options ?? {})
}
