import { deepStrictEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { idsOf, photosCase, store, type Photo, type SearchHarness } from './harness.ts'

/** Filters, facets, pages. */
export const narrowingCases: readonly Case<SearchHarness>[] = [
  photosCase('filters by exact values: all fields, any value of a field', async (photos) => {
    await store(photos, [
      { id: '1', title: 'x', tags: ['a', 'b'], camera: 'Canon' },
      { id: '2', title: 'x', tags: ['b'], camera: 'canon' },
      { id: '3', title: 'x', tags: ['c'], camera: 'Canon' },
      { id: '4', title: 'x' },
    ])
    deepStrictEqual((await idsOf(photos, 'x', { filters: { camera: 'Canon' } })).toSorted(), ['1', '3'])
    deepStrictEqual((await idsOf(photos, 'x', { filters: { tags: ['a', 'b'] } })).toSorted(), ['1', '2'])
    deepStrictEqual(await idsOf(photos, 'x', { filters: { tags: ['a', 'b'], camera: 'Canon' } }), ['1'])
    deepStrictEqual(await idsOf(photos, '', { filters: { tags: 'c' } }), ['3'])
    deepStrictEqual(await idsOf(photos, '', { filters: { tags: 'C' } }), [])
  }),

  photosCase('takes filter values for data, whatever they look like', async (photos) => {
    const values = [
      'x" OR tenant = "b',
      'Salt && Sons',
      'end\\',
      '👩‍👩‍👧',
      "it's",
      '{a,b}',
      'null',
      '',
      ' ',
      '%',
      'a\u001fb',
      '1:tags',
      '\n',
      '*',
    ]
    await store(photos, [
      ...values.map((value, index) => ({ id: String(index), tags: [value], camera: 'a' })),
      { id: 'tenant-b', camera: 'b', tags: ['secret'] },
    ])
    for (const [index, value] of values.entries()) {
      const { hits, facets } = await photos.search('', { filters: { tags: value, camera: 'a' }, facets: ['tags'] })
      deepStrictEqual(
        hits.map(({ id }) => id),
        [String(index)],
        value,
      )
      deepStrictEqual(facets.tags, [{ value, count: 1 }])
    }
  }),

  photosCase('refuses filters and facets that cannot be', async (photos) => {
    const wrong = [
      { filters: { title: 'x' } },
      { filters: { tenant: 'b' } },
      { filters: { tags: undefined } },
      { filters: { tags: null } },
      { filters: { tags: [] } },
      { filters: { tags: 7 } },
      { filters: { tags: ['a', {}] } },
      { filters: { tags: 'a\u0000' } },
      { filters: { tags: 'a'.repeat(257) } },
      { filters: 'tags' },
      { facets: ['title'] },
      { filter: { tags: 'a' } },
      { limit: 0 },
      { limit: 101 },
      { offset: -1 },
      { offset: 9_981 },
      { typos: 'yes' },
    ]
    for (const query of wrong)
      await rejects(photos.search('x', query as never), { code: 'invalid_argument' }, JSON.stringify(query))
  }),

  photosCase('counts each document once for each value, over all hits', async (photos) => {
    const random = randomFrom(7)
    const pick = () =>
      ['a', 'b', 'c', 'd', 'e'].filter(() => random() < 0.4).flatMap((tag) => (random() < 0.2 ? [tag, tag] : [tag]))
    const documents: Photo[] = Array.from({ length: 500 }, (_, index) => ({
      id: `p${index}`,
      title: random() < 0.5 ? 'red' : 'blue',
      tags: pick(),
      camera: random() < 0.5 ? 'Canon' : 'Leica',
    }))
    await store(photos, documents)
    for (let round = 0; round < 25; round++) {
      const text = ['red', 'blue', ''][round % 3]!
      const tags = [...new Set(pick())]
      const filters = tags.length > 0 ? { tags } : {}
      const { total, exact, facets } = await photos.search(text, { filters, facets: ['tags', 'camera'], limit: 1 })
      const matching = documents.filter(
        (each) =>
          (text === '' || each.title === text) && (tags.length === 0 || tags.some((tag) => each.tags!.includes(tag))),
      )
      deepStrictEqual([total, exact], [matching.length, true])
      deepStrictEqual(facets.tags, countOf(matching.map((each) => each.tags!)))
      deepStrictEqual(facets.camera, countOf(matching.map((each) => [each.camera!])))
    }
  }),

  photosCase('orders equal documents by id, so that pages neither repeat nor leave out', async (photos) => {
    const ids = Array.from({ length: 30 }, (_, index) => `d${String(index).padStart(2, '0')}`)
    await store(
      photos,
      ids.toReversed().map((id) => ({ id, title: 'same' })),
    )
    for (const text of ['same', '']) {
      const seen: string[] = []
      for (let offset = 0; offset < 35; offset += 7) seen.push(...(await idsOf(photos, text, { offset, limit: 7 })))
      deepStrictEqual(seen, ids)
    }
  }),

  photosCase('leaves none out of the pages while another document comes in', async (photos) => {
    const ids = Array.from({ length: 30 }, (_, index) => `d${String(index).padStart(2, '0')}`)
    await store(
      photos,
      ids.map((id) => ({ id, title: 'same' })),
    )
    const seen = new Set<string>()
    for (let offset = 0; offset < 35; offset += 7) {
      for (const id of await idsOf(photos, 'same', { offset, limit: 7 })) seen.add(id)
      if (offset === 7) await store(photos, [{ id: 'd05-new', title: 'same' }])
    }
    seen.delete('d05-new')
    deepStrictEqual([...seen].toSorted(), ids)
  }),

  photosCase('gives every page of many hits, with a total that agrees', async (photos) => {
    const documents = Array.from({ length: 1500 }, (_, index) => ({ id: `n${index}`, title: 'many' }))
    await store(photos, documents)
    const seen = new Set<string>()
    for (let offset = 0; offset < 1500; offset += 100) {
      const { hits, total, exact } = await photos.search('many', { offset, limit: 100 })
      deepStrictEqual([total, exact, hits.length], [1500, true, 100])
      for (const { id } of hits) seen.add(id)
    }
    equal(seen.size, 1500)
    const beyond = await photos.search('many', { offset: 1500 })
    deepStrictEqual([beyond.hits, beyond.total], [[], 1500])
  }),

  photosCase('says so when there are more hits than it counts', async (photos) => {
    const tags = ['t']
    for (let at = 0; at < 10_050; at += 1500)
      await store(
        photos,
        Array.from({ length: Math.min(1500, 10_050 - at) }, (_, index) => ({
          id: `n${at + index}`,
          title: 'much',
          tags,
        })),
      )
    for (const text of ['much', '']) {
      const { hits, total, exact, facets } = await photos.search(text, { offset: 9_980, limit: 20, facets: ['tags'] })
      deepStrictEqual([hits.length, total, exact], [20, 10_000, false])
      ok(facets.tags![0]!.count <= total)
    }
  }),
]

/** Random numbers that are the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function countOf(lists: readonly (readonly string[])[]): { value: string; count: number }[] {
  const values = [...new Set(lists.flat())]
  return values
    .map((value) => ({ value, count: lists.filter((list) => list.includes(value)).length }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
}
