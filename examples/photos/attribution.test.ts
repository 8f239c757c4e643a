import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAttribution, titleOf } from './attribution.ts'

test('a row names several pictures, with or without their ending', () => {
  const found = readAttribution(
    `# Photos\n\n| file | by | licence |\n| --- | --- | --- |\n| a, b-1.jpg | Jo, 2018 | CC BY 4.0 |\n| c | "X" | |\n`,
  )
  assert.deepEqual(
    [...found],
    [
      ['a', 'Jo, 2018 · CC BY 4.0'],
      ['b-1', 'Jo, 2018 · CC BY 4.0'],
      ['c', '"X"'],
    ],
  )
})

test('a README without such a table attributes nothing', () => {
  assert.equal(readAttribution('| name | size |\n| - | - |\n| a | 1 |').size, 0)
})

test('a file name becomes a title', () => {
  assert.equal(titleOf('/x/picos_de-europa.JPG'), 'Picos de europa')
})
