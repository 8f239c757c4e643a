import { deepStrictEqual, equal, match, ok, rejects } from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { idsOf, openPhotos, photosCase, store, type Photo, type SearchHarness } from './harness.ts'

/** Versions, deletions, outcomes, closing. */
export const writingCases: readonly Case<SearchHarness>[] = [
  photosCase('changes nothing for an equal or lower version', async (photos) => {
    await photos.put({ id: '1', title: 'second', tags: ['new'] }, { version: 2 })
    await photos.put({ id: '1', title: 'first' }, { version: 1 })
    await photos.put({ id: '1', title: 'equal' }, { version: 2 })
    await photos.remove('1', { version: 2 })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, 'first'), [])
    deepStrictEqual(await idsOf(photos, 'equal'), [])
    deepStrictEqual(await idsOf(photos, 'second', { filters: { tags: 'new' } }), ['1'])
    await photos.put({ id: '1', title: 'third' }, { version: 3 })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, 'second'), [], 'nothing of the old one is left')
    deepStrictEqual((await photos.search('third')).hits[0]?.document, { id: '1', title: 'third' })
    deepStrictEqual(await photos.complete('se'), [])
    deepStrictEqual((await photos.search('', { facets: ['tags'] })).facets.tags, [])
  }),

  photosCase('keeps a deleted document deleted when an earlier change comes late', async (photos) => {
    await photos.put({ id: '1', title: 'here' }, { version: 1 })
    await photos.remove('1', { version: 5 })
    await photos.remove('never-there', { version: 5 })
    await photos.put({ id: '1', title: 'late' }, { version: 4 })
    await photos.put({ id: 'never-there', title: 'late' }, { version: 4 })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, ''), [])
    equal((await photos.stats()).documents, 0)
    await photos.put({ id: '1', title: 'again' }, { version: 6 })
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, 'again'), ['1'])
  }),

  photosCase('takes the time for a version, so that the later put wins', async (photos) => {
    for (const title of ['one', 'two', 'three']) await photos.put({ id: '1', title })
    await photos.put({ id: '1', title: 'older' }, { version: 5 })
    await photos.refresh()
    deepStrictEqual((await photos.search('')).hits[0]?.document, { id: '1', title: 'three' })
    await photos.remove('1')
    await photos.refresh()
    deepStrictEqual(await idsOf(photos, ''), [])
  }),

  photosCase('keeps the highest version, whichever process put it and in whatever order', async (photos, harness) => {
    await using other = await openPhotos(harness)
    const versions = Array.from({ length: 60 }, (_, index) => ((index * 37) % 60) + 1)
    await Promise.all(
      versions.map((version, index) =>
        (index % 2 ? photos : other).putMany([
          { document: { id: 'a', title: `v${version}` }, version },
          { document: { id: 'b', title: `v${version}` }, version },
        ]),
      ),
    )
    await photos.refresh()
    deepStrictEqual((await idsOf(photos, 'v60')).toSorted(), ['a', 'b'])
    equal((await other.search('')).total, 2)
  }),

  photosCase('stores the good ones of a batch and names the bad ones', async (photos) => {
    const outcomes = await photos.putMany([
      { document: { id: 'good', title: 'fine' }, version: 1 },
      { document: { id: 'bad-type', title: 7 } as never, version: 1 },
      { document: { id: '' }, version: 1 },
      { document: { id: 'bad-facet', tags: ['x'.repeat(257)] }, version: 1 },
      { document: { id: 'bad-version' }, version: 1.5 },
      { document: undefined as never },
      { document: { id: 'fine', title: 'fine' }, version: 1 },
      { document: { id: 'good', title: 'equal' }, version: 1 },
      { document: { id: 'good', title: 'newer' }, version: 2 },
    ])
    deepStrictEqual(
      outcomes.map(({ id, outcome }) => [id, outcome]),
      [
        ['good', 'stored'],
        ['bad-type', 'refused'],
        ['', 'refused'],
        ['bad-facet', 'refused'],
        ['bad-version', 'refused'],
        ['', 'refused'],
        ['fine', 'stored'],
        ['good', 'older'],
        ['good', 'stored'],
      ],
    )
    match((outcomes[1] as { error: string }).error, /item 1.*title.*number/)
    await photos.refresh()
    deepStrictEqual((await idsOf(photos, '')).toSorted(), ['fine', 'good'])
    deepStrictEqual(await idsOf(photos, 'newer'), ['good'])
  }),

  photosCase('refuses documents that it cannot keep whole', async (photos) => {
    const wrong: unknown[] = [
      {},
      { id: 7 },
      { id: 'a\nb' },
      { id: '\ud800' },
      { id: 'x'.repeat(257) },
      { id: '1', title: { a: 1 } },
      { id: '1', tags: [1] },
      { id: '1', camera: 5 },
      { id: '1', title: 'x'.repeat(1001) },
      { id: '1', caption: 'x'.repeat(100_001) },
      { id: '1', extra: 'x'.repeat(1_048_576) },
      { id: '1', tags: Array.from({ length: 101 }, (_, index) => `t${index}`) },
      { id: '1', extra: 1n },
      'text',
      null,
    ]
    for (const document of wrong) await rejects(photos.put(document as Photo), { code: 'invalid_argument' })
    for (const version of [-1, 0.5, NaN, '1', 2 ** 53])
      await rejects(photos.put({ id: '1' }, { version: version as number }), { code: 'invalid_argument' })
    await rejects(photos.put({ id: '1' }, { versoin: 1 } as never), { code: 'invalid_argument' })
    await rejects(photos.remove(''), { code: 'invalid_argument' })
    equal((await photos.search('')).total, 0)
  }),

  photosCase('takes ids, words and documents of any length that it allows', async (photos) => {
    const id = '語'.repeat(256)
    await store(photos, [
      { id, title: '漢'.repeat(1000), caption: 'w'.repeat(5000), tags: ['値'.repeat(256)] },
      { id: 'long', caption: Array.from({ length: 14_000 }, (_, index) => `w${index}`).join(' ') },
    ])
    deepStrictEqual(await idsOf(photos, 'w'.repeat(900)), [id])
    deepStrictEqual(await idsOf(photos, '', { filters: { tags: '値'.repeat(256) } }), [id])
    deepStrictEqual(await idsOf(photos, 'w13999'), ['long'])
  }),

  photosCase('is found from another process after refresh', async (photos, harness) => {
    await using other = await openPhotos(harness)
    await photos.put({ id: '1', title: 'shared' }, { version: 1 })
    await other.refresh()
    deepStrictEqual(await idsOf(other, 'shared'), ['1'])
    const { documents, bytes, stale } = await other.stats()
    deepStrictEqual([documents, stale], [1, 0])
    ok(bytes! > 0)
    deepStrictEqual(await other.health(), { ok: true })
  }),

  {
    name: 'fails as unavailable while the engine is away, and works again after',
    needs: 'outage',
    async run(harness) {
      await using photos = await openPhotos(harness)
      await photos.put({ id: '1', title: 'before' }, { version: 1 })
      await harness.outage!.begin()
      await rejects(photos.search('before'), { code: 'unavailable' })
      await rejects(photos.put({ id: '2', title: 'during' }, { version: 1 }), { code: 'unavailable' })
      equal((await photos.health()).ok, false)
      await harness.outage!.end()
      for (let attempt = 0; attempt < 50 && !(await photos.health()).ok; attempt++)
        await new Promise((resolve) => setTimeout(resolve, 100))
      await retrying(() => photos.put({ id: '2', title: 'after' }, { version: 2 }))
      await photos.refresh()
      deepStrictEqual((await idsOf(photos, '')).toSorted(), ['1', '2'])
    },
  },

  {
    name: 'closes twice without harm, and refuses work after that',
    async run(harness) {
      const photos = await openPhotos(harness)
      await photos.close()
      await photos.close()
      await rejects(photos.search('x'), { code: 'closed' })
      await rejects(photos.put({ id: '1' }), { code: 'closed' })
      equal((await photos.health()).ok, false)
    },
  },
]

/** While a circuit breaker still spares the engine. */
async function retrying(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
