import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mend, mistakes, mistakesAllowed, shortened, shorteningOf } from './typos.ts'

test('counts wrong, missing, added and swapped letters', () => {
  const cases: [string, string, number][] = [
    ['sunset', 'sunset', 0],
    ['sunste', 'sunset', 1],
    ['sunst', 'sunset', 1],
    ['sunnset', 'sunset', 1],
    ['sumset', 'sunset', 1],
    ['', 'abc', 3],
    ['кто', 'кот', 1],
  ]
  for (const [one, other, count] of cases) assert.equal(mistakes(one, other), count, `${one} ${other}`)
})

test('allows one mistake from four letters, two from eight, none in numbers', () => {
  const cases = { cat: 0, cats: 1, sevenly: 1, eightlet: 2, '2019': 0, a1b2c3d4: 0, 小猫小猫: 0 }
  for (const [word, allowed] of Object.entries(cases)) assert.equal(mistakesAllowed(word), allowed, word)
})

test('the index of shortened words finds every near word that comparing with all would', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 3, maxLength: 12 })
  fc.assert(
    fc.property(word, word, (written, known) => {
      const allowed = mistakesAllowed(written)
      if (allowed === 0 || mistakes(written, known) > allowed) return
      const offered = new Set(shortened(known, shorteningOf(known)))
      assert.ok(
        shortened(written, allowed).some((each) => offered.has(each)),
        `${written} ${known}`,
      )
    }),
    { numRuns: 20_000 },
  )
})

test('a word has at most 29 shortened forms', () => {
  assert.ok(shortened('abcdefghijklmnop', 2).length <= 29)
})

test('looks for all words that are equally near, and names the most frequent', async () => {
  const near = [
    { word: 'house', documents: 3 },
    { word: 'horse', documents: 9 },
    { word: 'hoarse', documents: 90 },
    { word: 'hose', documents: 0 },
  ]
  const mended = await mend([{ words: ['hotse'], prefix: true }], {
    known: async () => [false],
    near: async () => near,
  })
  assert.deepEqual(mended, { terms: [{ words: ['horse', 'house'], prefix: true }], corrected: 'horse' })
})

test('mends nothing when every word is known, or one has nothing near it', async () => {
  const terms = [
    { words: ['blue'], prefix: false },
    { words: ['sunste'], prefix: false },
  ]
  assert.equal(await mend(terms, { known: async () => [true, true], near: async () => assert.fail() }), undefined)
  assert.equal(await mend(terms, { known: async () => [false, false], near: async () => [] }), undefined)
})
