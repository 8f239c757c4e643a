import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOfPosition, statementsOf, wordsOf } from './statements.ts'

test('splits at semicolons, but not in strings, names, bodies and comments', () => {
  const text = [
    `select 'a;b', "c;d", E'it\\'s;', $$;$$, $body$ ; $x$ ; $body$; -- ; no`,
    '/* ; */ insert into t',
    '  values (1);',
    ';',
    '',
    'drop table t',
  ].join('\n')
  assert.deepEqual(
    statementsOf(text).map(({ line, words }) => [line, words.split(' ')[0]]),
    [
      [1, 'select'],
      [2, 'insert'],
      [6, 'drop'],
    ],
  )
})

test('leaves the words of a statement, without what is quoted', () => {
  assert.equal(
    wordsOf(`-- insert\n SELECT 'delete' as "update", x /* drop */ `).replaceAll(/\s+/g, ' '),
    'select as , x',
  )
  assert.deepEqual(statementsOf(' -- nothing\n ; ;'), [])
})

test('counts lines by characters, as the server does', () => {
  assert.equal(lineOfPosition('😀😀\nab', 3), 1)
  assert.equal(lineOfPosition('😀😀\nab', 4), 2)
})
