import { deepStrictEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { exactly, idsOf, openPhotos, photosCase, store, type SearchHarness } from './harness.ts'

/** Text is never syntax, and what comes back is safe to show. */
export const safetyCases: readonly Case<SearchHarness>[] = [
  photosCase('takes what users write for words, never for syntax', async (photos) => {
    await store(photos, [{ id: '1', title: 'left 1.2.3', caption: "don't panic & carry on" }])
    const found = [
      'left:1.2.3',
      "don't",
      'panic & carry',
      '(left)',
      '!left',
      'left | nothing_of_it'.slice(0, 5),
      '"left"',
      'left:*',
    ]
    for (const text of found) deepStrictEqual(await idsOf(photos, text, exactly), ['1'], text)
    const harmless = [
      "'",
      '(',
      ':*',
      '\\',
      'a',
      '& |',
      'a <-> b',
      '*',
      '~1',
      'title:x',
      '%_',
      '$1',
      ';--',
      '\u0000a',
      'AND OR NOT',
    ]
    for (const text of harmless) await photos.search(text)
    deepStrictEqual(await idsOf(photos, 'left OR zebra', exactly), [], 'OR is a word')
    deepStrictEqual(await idsOf(photos, 'carry -on', exactly), ['1'], 'a minus is nothing')
  }),

  photosCase('answers any text without an error', async (photos) => {
    await store(photos, [{ id: '1', title: 'one', tags: ['two'] }])
    for (const text of strangeTexts(200)) {
      await photos.search(text)
      await photos.complete(text)
    }
  }),

  photosCase('refuses text that is too long or none', async (photos) => {
    await photos.search('a '.repeat(500))
    for (const text of ['x'.repeat(1001), undefined, 7, null, {}]) {
      await rejects(photos.search(text as string), { code: 'invalid_argument' })
      await rejects(photos.complete(text as string), { code: 'invalid_argument' })
    }
    await rejects(photos.complete('a', 51), { code: 'invalid_argument' })
    await rejects(photos.complete('a', 0), { code: 'invalid_argument' })
  }),

  photosCase('highlights what was found, and escapes all else', async (photos) => {
    await store(photos, [
      {
        id: '1',
        title: 'zebra <img/src=x/onerror=1>',
        caption: `<mark>"no" & 'hit'</mark> a Zebra's`,
        tags: ['zebra&co', 'other'],
      },
    ])
    const { hits } = await photos.search('zebra', exactly)
    deepStrictEqual(hits[0]?.highlights, {
      title: '<mark>zebra</mark> &lt;img/src=x/onerror=1&gt;',
      tags: '<mark>zebra</mark>&amp;co, other',
      caption: '&lt;mark&gt;&quot;no&quot; &amp; &#39;hit&#39;&lt;/mark&gt; a <mark>Zebra</mark>&#39;s',
    })
  }),

  photosCase('marks no markup but its own, whatever is in the text', async (photos) => {
    const texts = strangeTexts(60).map((text, index) => `${text}<b>hit ${index} </b> &lt;mark>hit</mark>`)
    await store(
      photos,
      texts.map((caption, index) => ({ id: String(index), caption })),
    )
    const { hits } = await photos.search('hit', { ...exactly, limit: 100 })
    equal(hits.length, texts.length)
    for (const { highlights } of hits) {
      const html = highlights.caption!
      doesNotMatch(html.replace(/<mark>[^<>]*<\/mark>/g, ''), /[<>"']/)
      for (const [, marked] of html.matchAll(/<mark>(.*?)<\/mark>/gs)) match(marked!, /hit/i)
      ok(html.includes('<mark>hit</mark>'))
    }
  }),

  {
    name: 'marks whole words by UTF-16 offsets of the text of each field',
    async run(harness) {
      await using photos = await openPhotos(harness)
      await store(photos, [{ id: '1', title: '👩‍💻 Café cafés', tags: ['x', 'CAFE\u0301'], caption: '小猫咪' }])
      await using driver = await disposable(harness)
      const query = { typos: false, filters: {}, facets: [], offset: 0, limit: 1 }
      const prefix = await driver.search({ ...query, text: 'caf', prefix: true })
      deepStrictEqual(prefix.hits[0]?.marks, {
        title: [
          [6, 10],
          [11, 16],
        ],
        tags: [[3, 8]],
      })
      const pairs = await driver.search({ ...query, text: '小猫咪', prefix: false })
      deepStrictEqual(pairs.hits[0]?.marks, { caption: [[0, 3]] })
    },
  },

  photosCase('shows of a long text a piece around its first hit', async (photos) => {
    const caption = `${'lorem '.repeat(400)}needle ${'ipsum '.repeat(400)}`
    await store(photos, [{ id: '1', caption }])
    const { hits } = await photos.search('needle')
    const html = hits[0]!.highlights.caption!
    match(html, /^…(lorem )+<mark>needle<\/mark> (ipsum )+.*…$/)
    ok(html.length < 400)
  }),
]

async function disposable(harness: SearchHarness) {
  const driver = await harness.open()
  await driver.ensure({ text: { title: 3, tags: 2, caption: 1 }, facets: ['tags', 'camera'], complete: 'title' })
  return Object.assign(driver, { [Symbol.asyncDispose]: () => driver.close() })
}

/** Texts of all kinds of characters, the same each time. */
export function strangeTexts(amount: number): string[] {
  const ranges = [
    [0x20, 0x7e],
    [0x21, 0x2f],
    [0xa0, 0x24f],
    [0x300, 0x36f],
    [0x370, 0x5ff],
    [0x600, 0x6ff],
    [0x900, 0xeff],
    [0x2000, 0x2bff],
    [0x3040, 0x30ff],
    [0x4e00, 0x4eff],
    [0xd800, 0xdfff],
    [0xfe00, 0xffff],
    [0x1f300, 0x1faff],
    [0, 0x1f],
  ] as const
  let state = 42
  const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
  return Array.from({ length: amount }, () =>
    Array.from({ length: 1 + next(24) }, () => {
      const [low, high] = ranges[next(1000) % ranges.length]!
      return String.fromCodePoint(low + (next(1_000_003) % (high - low + 1)))
    }).join(''),
  )
}
