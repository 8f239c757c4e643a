import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { registry } from '../../telemetry.ts'
import { search, type Search } from './index.ts'
import { classesOf } from './postgres/lexemes.ts'
import type { SearchOptions } from './search.ts'

interface Photo {
  id: string
  title: string
  tags?: readonly string[]
  year?: number
}

test('wrong options are refused when declared, naming the value and the fix', () => {
  const cases: [options: unknown, message: RegExp][] = [
    [{ text: {} }, /1 to 32 fields/],
    [{ text: ['title'] }, /1 to 32 fields/],
    [{ text: { title: 0 } }, /text.title: 0 is out of range; allowed is 1 to 10/],
    [{ text: { title: 11 } }, /1 to 10/],
    [{ text: { title: '3' } }, /not a whole number/],
    [{ text: { 'a b': 1 } }, /'a b' is not a field name/],
    [{ text: { title: 1 }, facets: 'tags' }, /facets: 'tags' is not a list/],
    [{ text: { title: 1 }, facets: ['tags', 'tags'] }, /'tags' is named twice/],
    [{ text: { title: 1 }, facets: ['a\u001fb'] }, /not a field name/],
    [{ text: { title: 1 }, complete: ['title'] }, /complete: a list/],
    [{ text: { title: 1 }, id: 'id' }, /id: 'id' is not a function/],
    [{ text: { title: 1 }, schema: {} }, /not a Standard Schema/],
    [{ text: { title: 1 }, facet: ['tags'] }, /option 'facet' is not known/],
  ]
  for (const [options, message] of cases)
    assert.throws(() => search(options as SearchOptions<Photo>), { code: 'invalid_argument', message })
})

test('a memory URL takes no options, and unknown engines are named', async () => {
  const options: SearchOptions<Photo> = { text: { title: 1 } }
  await assert.rejects(search<Photo>('photos', { ...options, url: 'memory:?a=1' }), { code: 'invalid_argument' })
  await assert.rejects(search<Photo>('photos', { ...options, url: 'solr://x' }), {
    code: 'unsupported',
    message: /postgres: memory:/,
  })
})

test('opens alone, takes an id from a function, and checks documents by a schema', async () => {
  const schema = z.object({ slug: z.string(), title: z.string().min(1) })
  await using pages = await search<{ slug: string; title: string }>('pages', {
    url: 'memory:',
    text: { title: 1 },
    id: ({ slug }) => slug,
    schema,
  })
  await pages.put({ slug: 'a', title: 'Hello' })
  assert.deepEqual((await pages.search('hello')).hits[0]?.id, 'a')
  await assert.rejects(pages.put({ slug: 'b', title: '' }), { code: 'invalid_argument', message: /title/ })
  await assert.rejects(pages.complete('a'), { code: 'unsupported', message: /option complete/ })
})

test('handles of one named memory index share it; a nameless one is alone', async () => {
  const options = { text: { title: 1 } } as const
  await using one = await search<Photo>('photos', { ...options, url: 'memory:both' })
  await using two = await search<Photo>('photos', { ...options, url: 'memory:both' })
  await using alone = await search<Photo>('photos', { ...options, url: 'memory:' })
  await one.put({ id: '1', title: 'shared' })
  assert.equal((await two.search('shared')).total, 1)
  assert.equal((await alone.search('shared')).total, 0)
})

test('puts one after another without waiting are applied in that order', async () => {
  await using photos = await search<Photo>('photos', { url: 'memory:', text: { title: 1 } })
  await Promise.all(Array.from({ length: 1200 }, (_, index) => photos.put({ id: 'same', title: `v${index}` })))
  assert.equal((await photos.search('v1199', { prefix: false, typos: false })).total, 1)
})

test('measures operations, documents and searches that found nothing', async () => {
  await using photos = await search<Photo>('measured', { url: 'memory:', text: { title: 1 } })
  await photos.put({ id: '1', title: 'x' })
  await photos.search('nothing of that')
  const text = await registry.metrics()
  assert.match(text, /ashlar_operation_seconds_count\{[^}]*block="measured"[^}]*operation="search"[^}]*\} 1/)
  assert.match(text, /ashlar_search_items_total\{block="measured",outcome="stored"\} 1/)
  assert.match(text, /ashlar_search_empty_total\{block="measured"\} 1/)
  assert.match(text, /ashlar_search_documents\{block="measured"\} 1/)
})

test('more than four different weights share the four classes in order', () => {
  assert.deepEqual(classesOf({ a: 3, b: 2, c: 1 }), { of: { a: 'A', b: 'B', c: 'C' }, weights: [0, 0.1, 0.2, 0.3] })
  assert.deepEqual(classesOf({ a: 10, b: 8, c: 6, d: 4, e: 2 }), {
    of: { a: 'A', b: 'A', c: 'B', d: 'C', e: 'D' },
    weights: [0.2, 0.4, 0.6, 1],
  })
})

/** Checked by the compiler alone. */
export async function typesAreInferred(photos: Search<Photo>): Promise<void> {
  const { hits, facets } = await photos.search('x', { filters: { tags: ['a'] }, facets: ['tags'] })
  const year: number | undefined = hits[0]?.document.year
  const html: string | undefined = hits[0]?.highlights.title
  const count: number | undefined = facets.tags?.[0]?.count
  // @ts-expect-error a number is no text
  search<Photo>({ text: { year: 1 } })
  // @ts-expect-error a list cannot be completed
  search<Photo>({ text: { title: 1 }, complete: 'tags' })
  // @ts-expect-error no such field
  search<Photo>({ text: { title: 1 }, facets: ['colour'] })
  // @ts-expect-error no such field
  await photos.search('x', { filters: { colour: 'red' } })
  // @ts-expect-error a field is missing
  await photos.put({ id: '1' })
  void [year, html, count]
}
