import { deepStrictEqual } from 'node:assert/strict'
import { silent, type OpenContext } from '../../../block.ts'
import type { Case } from '../../../conformance.ts'
import { AshlarError, type Code } from '../../../errors.ts'
import type { SearchDriver } from '../driver.ts'
import { OpenIndex } from '../open.ts'
import type { Search, SearchOptions, SearchQuery } from '../search.ts'

/** What the suite needs of a driver under test. */
export interface SearchHarness {
  /** URL scheme of the driver. */
  scheme: string
  codeOf(error: unknown): Code | undefined
  /** Opens a driver on one and the same new index each time, as another process would. */
  open(): Promise<SearchDriver>
  /** Takes the engine away and brings it back, with capability `outage`. */
  outage?: { begin(): Promise<void>; end(): Promise<void> }
}

export interface Photo {
  id: string
  title?: string
  caption?: string
  tags?: readonly string[]
  camera?: string
}

export const photoOptions: SearchOptions<Photo> = {
  text: { title: 3, tags: 2, caption: 1 },
  facets: ['tags', 'camera'],
  complete: 'title',
}

/** The portable type over another driver of the harness. */
export async function openPhotos(harness: SearchHarness, options = photoOptions): Promise<Search<Photo>> {
  const { scheme } = harness
  const codeOf = (error: unknown) => harness.codeOf(error)
  return OpenIndex.open({ context: contextOf(harness), driver: await harness.open(), options, scheme, codeOf })
}

function contextOf({ scheme }: SearchHarness): OpenContext {
  return {
    name: 'photos',
    service: '',
    url: `${scheme === 'postgres' ? 'tested' : scheme}:`, // no outbox here: it has tests of its own
    folder: '.ashlar',
    secret: '',
    relays: false,
    log: silent,
    block(name) {
      throw new AshlarError('unsupported', `no block ${name} here`)
    },
  }
}

/** A case over one open index of photos. */
export function photosCase(
  name: string,
  run: (photos: Search<Photo>, harness: SearchHarness) => Promise<void>,
): Case<SearchHarness> {
  return {
    name,
    async run(harness) {
      await using photos = await openPhotos(harness)
      await run(photos, harness)
    },
  }
}

export async function store(photos: Search<Photo>, documents: readonly Photo[], version = 1): Promise<void> {
  const outcomes = await photos.putMany(documents.map((document) => ({ document, version })))
  deepStrictEqual(
    outcomes,
    documents.map(({ id }) => ({ id, outcome: 'stored' })),
  )
  await photos.refresh()
}

/** Ids of the hits, best first. */
export async function idsOf(photos: Search<Photo>, text: string, query: SearchQuery<Photo> = {}): Promise<string[]> {
  const { hits } = await photos.search(text, query)
  return hits.map(({ id }) => id)
}

export const exactly: SearchQuery<Photo> = { typos: false, prefix: false }
