import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import type { Case } from '../../../conformance.ts'
import { exactly, idsOf, photosCase, store, type SearchHarness } from './harness.ts'

/** What is found, in which order, and what completion offers. */
export const findingCases: readonly Case<SearchHarness>[] = [
  photosCase('finds a document by each of its words, whatever their case and accents', async (photos) => {
    await store(photos, [
      { id: '1', title: 'Crème Brûlée', caption: 'Straße in København', tags: ['Ærø', 'İstanbul'] },
      { id: '2', title: 'nothing of it' },
    ])
    for (const text of ['creme', 'BRÛLÉE', 'strasse', 'kobenhavn', 'aero', 'istanbul', 'Creme brulee STRASSE'])
      deepStrictEqual(await idsOf(photos, text, exactly), ['1'], text)
  }),

  photosCase('gives the document back as it was put', async (photos) => {
    const document = {
      id: '1',
      title: 'A "quoted" \\ \u0000 title',
      tags: ['日本', '👍🏽'],
      extra: { deep: [1, null, true] },
    }
    await store(photos, [document])
    const { hits } = await photos.search('quoted')
    deepStrictEqual(hits[0]?.document, document)
  }),

  photosCase('finds documents that have all words, in whichever fields', async (photos) => {
    await store(photos, [
      { id: 'both', title: 'Evening', caption: 'at the harbour' },
      { id: 'one', title: 'Evening', caption: 'in the mountains' },
      { id: 'other', caption: 'harbour at noon' },
    ])
    deepStrictEqual(await idsOf(photos, 'evening harbour', exactly), ['both'])
    deepStrictEqual(await idsOf(photos, 'evening harbour mountains', exactly), [])
  }),

  photosCase('finds an exact title of the most common words', async (photos) => {
    await store(photos, [
      { id: 'band', title: 'The The' },
      { id: 'it', title: 'It', caption: 'to be or not to be' },
    ])
    deepStrictEqual(await idsOf(photos, 'The The', exactly), ['band'])
    deepStrictEqual(await idsOf(photos, 'the', exactly), ['band'])
    deepStrictEqual(await idsOf(photos, 'to be or not to be', exactly), ['it'])
  }),

  photosCase('ranks a hit in a weightier field first', async (photos) => {
    await store(photos, [
      { id: 'a-caption', caption: 'dragonfly resting here' },
      { id: 'b-tag', tags: ['dragonfly'], caption: 'resting here' },
      { id: 'c-title', title: 'dragonfly', caption: 'resting here' },
    ])
    deepStrictEqual(await idsOf(photos, 'dragonfly'), ['c-title', 'b-tag', 'a-caption'])
    const { hits } = await photos.search('dragonfly')
    ok(hits.every(({ score }) => score > 0))
  }),

  photosCase('takes the last word for a beginning, unless told otherwise', async (photos) => {
    await store(photos, [
      { id: '1', title: 'Sunset beach' },
      { id: '2', title: 'Sunrise beach' },
    ])
    deepStrictEqual((await idsOf(photos, 'beach sun')).toSorted(), ['1', '2'])
    deepStrictEqual(await idsOf(photos, 'beach sunr'), ['2'])
    deepStrictEqual(await idsOf(photos, 'sun beach', { typos: false }), [], 'only the last word')
    deepStrictEqual(await idsOf(photos, 'beach sun', exactly), [])
  }),

  photosCase('mends misspelt words, and says what it looked for', async (photos) => {
    await store(photos, [
      { id: '1', title: 'Wonderful sunset' },
      { id: '2', title: 'Bridge over water' },
      { id: '3', title: 'Ночной мост' },
    ])
    for (const [text, corrected] of [
      ['sunste', 'sunset'],
      ['sunsset', 'sunset'],
      ['sunst', 'sunset'],
      ['sumset', 'sunset'],
      ['unset', 'sunset'],
      ['wodnerfl sunset', 'wonderful sunset'],
      ['brige', 'bridge'],
      ['ночноц', 'ночнои'],
    ] as const) {
      const found = await photos.search(text)
      equal(found.corrected, corrected, text)
      equal(found.total, 1, text)
    }
  }),

  photosCase('leaves alone words that are known, short, or numbers', async (photos) => {
    await store(photos, [
      { id: '1', title: 'horse' },
      { id: '2', title: 'house cat 2019' },
    ])
    const known = await photos.search('horse')
    deepStrictEqual([known.hits.map(({ id }) => id), known.corrected], [['1'], undefined])
    for (const text of ['2018', 'cst', 'horse cat', 'qqqqqqqq', 'hxxsx']) {
      const found = await photos.search(text)
      deepStrictEqual([found.total, found.corrected], [0, undefined], text)
    }
    deepStrictEqual(await idsOf(photos, 'hrose', { typos: false }), [])
  }),

  photosCase('does not offer words whose documents are gone', async (photos) => {
    await store(photos, [{ id: '1', title: 'sunset' }])
    await photos.remove('1', { version: 2 })
    await photos.refresh()
    const found = await photos.search('sunste')
    deepStrictEqual([found.total, found.corrected], [0, undefined])
  }),

  photosCase(
    'finds everything for blank text, newest version first, and nothing for text without words',
    async (photos) => {
      await photos.putMany([
        { document: { id: 'old' }, version: 1 },
        { document: { id: 'new' }, version: 3 },
        { document: { id: 'mid-b' }, version: 2 },
        { document: { id: 'mid-a' }, version: 2 },
      ])
      await photos.refresh()
      deepStrictEqual(await idsOf(photos, '  '), ['new', 'mid-a', 'mid-b', 'old'])
      for (const text of [':*', '"', '()', '…', '\u0000', '\ud800'])
        deepStrictEqual(await idsOf(photos, text), [], text)
    },
  ),

  photosCase('finds scripts without spaces by any part, and emoji', async (photos) => {
    await store(photos, [
      { id: 'cat', title: '一只小猫咪睡觉', caption: 'nap 🎉' },
      { id: 'ja', title: '東京タワーの夜景' },
      { id: 'th', title: 'สวัสดีครับ' },
      { id: 'ko', title: '한국어 사진' },
    ])
    const expected = {
      小猫: 'cat',
      猫: 'cat',
      睡觉: 'cat',
      '🎉': 'cat',
      タワー: 'ja',
      夜景: 'ja',
      สวัสดี: 'th',
      사진: 'ko',
    }
    for (const [text, id] of Object.entries(expected)) deepStrictEqual(await idsOf(photos, text, exactly), [id], text)
    deepStrictEqual(await idsOf(photos, '猫小', exactly), [])
  }),

  photosCase('completes what begins so, the most frequent first, each once', async (photos) => {
    await store(photos, [
      { id: '1', title: 'Sunset' },
      { id: '2', title: 'Sunrise' },
      { id: '3', title: 'Sunrise' },
      { id: '4', title: 'Élan' },
      { id: '5', title: 'A sunny day' },
      { id: '6' },
    ])
    deepStrictEqual(await photos.complete('SUN'), ['Sunrise', 'Sunset'])
    deepStrictEqual(await photos.complete('sun', 1), ['Sunrise'])
    deepStrictEqual(await photos.complete('el'), ['Élan'])
    deepStrictEqual(await photos.complete('a  SUN'), ['A sunny day'])
    deepStrictEqual(await photos.complete('sunsets'), [])
    deepStrictEqual(await photos.complete(`%'_\\`, 1), ['Sunrise'], 'no word in it: everything begins so')
  }),
]
