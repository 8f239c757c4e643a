import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { idsOf, openPhotos, photoOptions, photosCase, store, type Photo, type SearchHarness } from './harness.ts'

type Versioned = { document: Photo; version: number }

/** Rebuilding while the index is in use, and finding out that it is needed. */
export const rebuildingCases: readonly Case<SearchHarness>[] = [
  photosCase('rebuilds from the system of record: what is not in it is gone', async (photos) => {
    await store(
      photos,
      [
        { id: 'stays', title: 'old words' },
        { id: 'ghost', title: 'ghost' },
      ],
      5,
    )
    equal(await photos.rebuild(versions([{ id: 'stays', title: 'new words' }, { id: 'added' }], 4)), 2)
    await photos.refresh()
    deepStrictEqual((await idsOf(photos, '')).toSorted(), ['added', 'stays'])
    deepStrictEqual(await idsOf(photos, 'ghost'), [])
    deepStrictEqual(await idsOf(photos, 'new'), ['stays'])
    deepStrictEqual((await photos.search('old')).total, 0)
    deepStrictEqual(await photos.complete('g'), [])
    equal((await photos.stats()).documents, 2)
  }),

  photosCase('answers from the old index until the new one is complete', async (photos) => {
    await store(photos, [{ id: 'old', title: 'old' }])
    await photos.rebuild(
      (async function* () {
        yield* versions([{ id: 'new', title: 'new' }], 1)
        await photos.refresh()
        deepStrictEqual(await idsOf(photos, ''), ['old'])
        yield* versions(many(600), 1)
        await photos.refresh()
        deepStrictEqual(await idsOf(photos, ''), ['old'])
      })(),
    )
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, 'old'), [])
    equal((await photos.search('')).total, 601)
  }),

  photosCase('loses nothing that is put or removed meanwhile, from any process', async (photos, harness) => {
    await using other = await openPhotos(harness)
    await store(photos, [
      { id: 'a', title: 'first' },
      { id: 'b', title: 'first' },
      { id: 'c', title: 'first' },
    ])
    await photos.rebuild(
      (async function* () {
        await other.put({ id: 'a', title: 'newer' }, { version: 9 })
        await photos.put({ id: 'd', title: 'newer' }, { version: 9 })
        yield* versions(many(500), 1)
        await other.remove('b', { version: 9 })
        yield* versions(
          [
            { id: 'a', title: 'stale' },
            { id: 'b', title: 'stale' },
            { id: 'c', title: 'first' },
          ],
          1,
        )
        await other.put({ id: 'c', title: 'newer' }, { version: 9 })
      })(),
    )
    await other.refresh()
    for (const each of [photos, other]) {
      deepStrictEqual((await idsOf(each, 'newer')).toSorted(), ['a', 'c', 'd'])
      deepStrictEqual(await idsOf(each, 'stale'), [])
      equal((await each.search('')).total, 503)
    }
    await other.put({ id: 'b', title: 'late' }, { version: 8 })
    await other.refresh()
    deepStrictEqual(await idsOf(photos, 'late'), [])
  }),

  photosCase('remembers deletions across a rebuild', async (photos) => {
    await store(photos, [{ id: 'a', title: 'first' }])
    await photos.remove('a', { version: 5 })
    await photos.rebuild(versions([{ id: 'b' }], 1))
    await photos.put({ id: 'a', title: 'late' }, { version: 4 })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, ''), ['b'])
  }),

  photosCase('keeps the index in use when a rebuild fails, and can begin again', async (photos) => {
    await store(photos, [{ id: 'old', title: 'old' }])
    const broken = async function* (): AsyncGenerator<Versioned> {
      yield* versions(many(600), 1)
      throw new Error('the record is away')
    }
    await rejects(photos.rebuild(broken()), /the record is away/)
    await rejects(photos.rebuild(versions([{ id: 'x', title: 7 } as never], 1)), { code: 'invalid_argument' })
    await rejects(photos.rebuild(versions([{ id: 'x' }], undefined as never)), { code: 'invalid_argument' })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, ''), ['old'])
    equal(await photos.rebuild(versions([{ id: 'new' }], 1)), 1)
  }),

  photosCase('rebuilds one at a time', async (photos, harness) => {
    await using other = await openPhotos(harness)
    await photos.rebuild(
      (async function* () {
        await rejects(other.rebuild(versions([{ id: 'x' }], 1)), { code: 'conflict' })
        yield* versions([{ id: 'new' }], 1)
      })(),
    )
    await photos.refresh()
    deepStrictEqual(await idsOf(other, ''), ['new'])
    equal(await other.rebuild(versions([{ id: 'other' }], 1)), 1)
  }),

  {
    name: 'says that it is stale when the declared fields changed, until it is rebuilt',
    async run(harness) {
      await using before = await openPhotos(harness)
      await store(before, [{ id: '1', title: 'x', camera: 'Leica' }])
      await using same = await openPhotos(harness, { ...photoOptions, facets: ['camera', 'tags'] })
      equal((await same.stats()).stale, 0, 'their order does not count')
      await using after = await openPhotos(harness, { text: { title: 1, caption: 1 }, facets: ['camera'] })
      equal((await after.stats()).stale, 1)
      match((await after.health()).detail ?? '', /rebuild/)
      deepStrictEqual(await idsOf(after, 'x'), ['1'], 'the old index still answers')
      await after.rebuild(versions([{ id: '1', title: 'x', camera: 'Leica' }], 1))
      equal((await after.stats()).stale, 0)
      await using again = await openPhotos(harness, { text: { title: 1, caption: 1 }, facets: ['camera'] })
      equal((await again.stats()).stale, 0)
    },
  },
]

async function* versions(documents: readonly Photo[], version: number): AsyncGenerator<Versioned> {
  for (const document of documents) yield { document, version }
}

function many(amount: number): Photo[] {
  return Array.from({ length: amount }, (_, index) => ({ id: `m${index}` }))
}
