import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fields, tagOf } from './input.ts'
import { Refusal } from './refusal.ts'

const known = ['email', 'name', 'handle', 'password', 'tags', 'bytes', 'type']

function problemsOf(body: unknown, read: (fields: Fields) => void): Record<string, string> {
  try {
    const fields = new Fields(body, known)
    read(fields)
    fields.check()
    return {}
  } catch (error) {
    if (error instanceof Refusal) return error.problems
    throw error
  }
}

test('all mistakes are told together, each at its field', () => {
  const problems = problemsOf({ email: 'ada', handle: '9 lives', password: 'short', colour: 'red' }, (fields) => {
    fields.email('email')
    fields.handle('handle')
    fields.password('password', { min: 8 })
    fields.text('name', 'The name', { min: 1, max: 60 })
  })
  assert.deepEqual(Object.keys(problems).toSorted(), ['colour', 'email', 'handle', 'name', 'password'])
  assert.equal(problems.name, 'The name is missing.')
})

test('text is trimmed and may hold anything that can be shown', () => {
  const fields = new Fields({ name: '  Zoë 🌄 \n', email: ' Ada@Example.org ' }, known)
  assert.equal(fields.text('name', 'The name', { max: 60 }), 'Zoë 🌄')
  assert.equal(fields.email('email'), 'ada@example.org')
  fields.check()
  assert.match(
    problemsOf({ name: 'a\u0000b' }, (f) => f.text('name', 'The name', { max: 60 })).name!,
    /cannot be shown/,
  )
  assert.match(
    problemsOf({ name: 'evil\u202etxt' }, (f) => f.text('name', 'The name', { max: 60 })).name!,
    /cannot be shown/,
  )
})

test('bodies of any other shape are refused, not crashed upon', () => {
  for (const body of [null, 7, 'text', [], undefined]) assert.throws(() => new Fields(body, known), Refusal)
  for (const value of [{}, [], 7, true])
    assert.ok(problemsOf({ name: value }, (fields) => fields.text('name', 'The name', { max: 60 })).name)
  for (const value of ['1', 0, -1, 1.5, Number.MAX_VALUE, null])
    assert.ok(problemsOf({ bytes: value }, (fields) => fields.count('bytes', 'The size', 100)).bytes)
})

test('tags become small words, each once', () => {
  const fields = new Fields({ tags: ' Blue Hour, #Night!, blue-hour ,, Zürich' }, known)
  assert.deepEqual(fields.tags('tags'), ['blue-hour', 'night', 'zürich'])
  assert.ok(problemsOf({ tags: Array.from({ length: 11 }, (_, n) => `t${n}`) }, (f) => f.tags('tags')).tags)
  assert.ok(problemsOf({ tags: [1] }, (f) => f.tags('tags')).tags)
  assert.equal(tagOf('--'), '')
})

test('a name stays on one line, so that it adds none to a mail; an address is one address', () => {
  const fields = new Fields({ name: 'Ada\r\n\r\nBuy now', tags: 'a\n b' }, known)
  assert.equal(fields.text('name', 'The name', { max: 60 }), 'Ada Buy now')
  assert.equal(fields.text('tags', 'The tags', { max: 60, lines: true }), 'a\n b')
  assert.ok(problemsOf({ email: 'a,b@c.example' }, (each) => each.email('email')).email)
})
