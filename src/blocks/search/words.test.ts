import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { strangeTexts } from './conformance/safety.ts'
import { highlight } from './highlight.ts'
import { MemoryIndex } from './memory/index.ts'
import { classesOf, tsqueryOf, vectorOf, wordsIn } from './postgres/lexemes.ts'
import { marksIn, termsOf } from './terms.ts'
import { foldText, longestWord, tokensOf, wordsOf } from './words.ts'

test('a word is letters and digits, without case and accents, whatever the script', () => {
  const cases: [text: string, ...words: string[]][] = [
    ['left:1.2.3', 'left', '1', '2', '3'],
    ['Ærø, Łódź; naïve façade', 'aero', 'lodz', 'naive', 'facade'],
    ['İstanbul Diyarbakır ΟΔΥΣΣΕΎΣ', 'istanbul', 'diyarbakir', 'οδυσσευσ'],
    ['Ёлка й', 'елка', 'и'],
    ['हिन्दी कविता', 'हिन्दी', 'कविता'],
    ['كِتَابٌ', 'كتاب'],
    ['שָׁלוֹם', 'שלום'],
    ['co\u00adoperate zero\u200bwidth', 'cooperate', 'zero', 'width'],
    ['ＦＵＬＬ ﬁne', 'full', 'fine'],
    ['👍🏽👩‍💻 1️⃣', '👍', '🏽', '👩', '💻', '1'],
    ['小猫咪 猫', '小猫', '猫咪', '猫'],
    [''],
    ['©®™ — …'],
  ]
  for (const [text, ...words] of cases) assert.deepEqual(wordsOf(text), words, text)
})

test('what is indexed is found by the words of any part of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const indexed = new Set(tokensOf(text).map(({ word }) => word))
      for (const word of wordsOf(text)) assert.ok(indexed.has(word), `${JSON.stringify(text)}: ${word}`)
    }),
    { numRuns: 3000 },
  )
})

test('folding a folded word changes nothing, and offsets lie inside the text in order', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let before = 0
      for (const { word, start, end } of tokensOf(text)) {
        assert.ok(start >= before && end > start && end <= text.length)
        assert.ok(word.length <= longestWord && word.isWellFormed())
        assert.deepEqual(wordsOf(word).join(''), wordsOf(wordsOf(word).join(' ')).join(''))
        before = start
      }
    }),
    { numRuns: 3000 },
  )
})

test('words hold nothing that any query language takes for syntax', () => {
  for (const text of strangeTexts(3000))
    for (const { word } of tokensOf(text)) assert.doesNotMatch(word, /[\s\p{P}\p{Cc}<>|=+~^$`]/u)
})

test('10,000 texts of all kinds: no error, and each document is found by its own text', async () => {
  const index = new MemoryIndex({ text: { body: 1 }, facets: [], complete: 'body' })
  const query = { typos: true, prefix: true, filters: {}, facets: [], offset: 0, limit: 1 }
  for (const [version, text] of strangeTexts(10_000).entries()) {
    const source = JSON.stringify({ body: text })
    index.put({ id: 'one', version, document: { text: { body: text }, facets: {}, complete: text, source } })
    const { total, hits } = await index.search({ ...query, text })
    const findable = text.trim() === '' || wordsOf(text).length > 0
    assert.equal(total, findable ? 1 : 0, JSON.stringify(text))
    index.complete(text, 8)
    highlight(text, Object.values(hits[0]?.marks ?? {})[0] ?? [])
    assert.doesNotMatch(
      tsqueryOf(7, termsOf(text, true) ?? []) + vectorOf(7, wordsIn({ body: text }), classes),
      /\\|'''/,
    )
  }
})

const classes = classesOf({ body: 10 })

test('completion compares folded text, with one space between words', () => {
  assert.equal(foldText('  The  "The" '), 'the the')
  assert.equal(foldText('Été 小猫'), 'ete 小猫')
  assert.equal(foldText('x'.repeat(999)).length, 200)
})

test('marks join where they touch; highlights escape everything else', () => {
  assert.deepEqual(marksIn('小猫', termsOf('猫 小猫', false)!), [[0, 2]])
  const terms = termsOf('小猫咪 b', true)!
  assert.deepEqual(marksIn('a小猫咪, bcd ab', terms), [
    [1, 4],
    [6, 9],
  ])
  assert.equal(highlight('a<b>&"\'', [[2, 3]]), 'a&lt;<mark>b</mark>&gt;&amp;&quot;&#39;')
  assert.equal(highlight('', []), '')
})

test('a cut highlight never splits a character and shows its first hit', () => {
  const text = '👍'.repeat(400) + 'hit' + '👍'.repeat(400)
  const html = highlight(text, [[800, 803]])
  assert.ok(html.isWellFormed())
  assert.match(html, /^…👍+<mark>hit<\/mark>👍+…$/u)
})
