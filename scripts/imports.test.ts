import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { checkImports } from './imports.ts'

const index = `export const drivers = { redis: () => import('./redis.ts'), kafka: () => import('./kafka/open.ts') }`

function tree(files: Record<string, string>): Map<string, string> {
  const full = Object.entries(files).map(([path, text]): [string, string] => [`src/${path}`, text])
  return new Map(full)
}

/** Why the imports of a made-up tree are wrong. */
const why = (files: Record<string, string>) => checkImports(tree(files)).map((problem) => problem.why)

test('accepts imports that go down', () => {
  deepEqual(
    why({
      'errors.ts': '',
      'units.ts': `import { invalid } from './errors.ts'`,
      'blocks/queue/queue.ts': `import type { Unit } from '../../units.ts'`,
      'cli/main.ts': `import '../blocks/queue/queue.ts'; import 'node:fs'; import 'pg'`,
    }),
    [],
  )
})

test('refuses imports that go up, however they are written', () => {
  const up = ['block must not know edge: imports go down']
  for (const text of [
    `import './edge/listen.ts'`,
    `import type { Edge } from './edge/listen.ts'`,
    `export * from './edge/listen.ts'`,
    `export const open = () => import('./edge/listen.ts')`,
    `export type Edge = import('./edge/listen.ts').Edge`,
  ])
    deepEqual(why({ 'block.ts': text, 'edge/listen.ts': '' }), up, text)
})

test('names file, import and reason', () => {
  deepEqual(checkImports(tree({ 'units.ts': `import './cli/main.ts'`, 'cli/main.ts': '' })), [
    { file: 'src/units.ts', imports: 'src/cli/main.ts', why: 'units must not know cli: imports go down' },
  ])
})

test('refuses a block that imports another block', () => {
  const files = { 'blocks/topic/topic.ts': `import '../queue/queue.ts'`, 'blocks/queue/queue.ts': '' }
  deepEqual(why(files), ['blocks do not know one another'])
})

test('lets only the index of a block know its drivers', () => {
  const block = { 'blocks/queue/index.ts': index, 'blocks/queue/redis.ts': '', 'blocks/queue/kafka/open.ts': '' }
  deepEqual(why(block), [])
  deepEqual(why({ ...block, 'blocks/queue/queue.ts': `import './redis.ts'` }), [
    'a block knows its drivers only through driver.ts',
  ])
  deepEqual(why({ ...block, 'blocks/queue/conformance.ts': `import './kafka/open.ts'` }), [
    'a block knows its drivers only through driver.ts',
  ])
})

test('refuses a driver that imports another driver, and accepts one that is a folder', () => {
  const files = {
    'blocks/queue/index.ts': index,
    'blocks/queue/driver.ts': '',
    'blocks/queue/backoff.ts': '',
    'blocks/queue/redis.ts': `import './driver.ts'; import './backoff.ts'; import './kafka/wire.ts'`,
    'blocks/queue/kafka/open.ts': `import './wire.ts'; import '../driver.ts'`,
    'blocks/queue/kafka/wire.ts': '',
  }
  deepEqual(why(files), ['drivers do not know one another'])
})

test('finds cycles, of types too', () => {
  const files = {
    'postgres/a.ts': `import type { B } from './b.ts'`,
    'postgres/b.ts': `import './c.ts'`,
    'postgres/c.ts': `import './a.ts'`,
  }
  deepEqual(why(files), ['a cycle: src/postgres/a.ts > src/postgres/b.ts > src/postgres/c.ts > src/postgres/a.ts'])
})

test('refuses files on no floor and files that are not there', () => {
  deepEqual(why({ 'helpers/a.ts': `import '../errors.ts'`, 'errors.ts': '' }), [
    'helpers is on no floor: add it to scripts/imports.ts and CONTRIBUTING.md',
  ])
  deepEqual(why({ 'errors.ts': `import '../bench/main.ts'` }), ['what is published lies under src/'])
  deepEqual(why({ 'errors.ts': `import './gone.ts'` }), ['no such file'])
})

test('lets tests import drivers and other blocks, and nobody import tests', () => {
  const files = {
    'blocks/queue/index.ts': index,
    'blocks/queue/redis.ts': '',
    'blocks/queue/kafka/open.ts': '',
    'blocks/topic/topic.ts': '',
    'blocks/queue/redis.test.ts': `import './redis.ts'; import '../topic/topic.ts'; import '../../../test/servers/redis.ts'`,
  }
  equal(why(files).length, 0)
  deepEqual(why({ ...files, 'blocks/topic/topic.ts': `import './topic.test.ts'`, 'blocks/topic/topic.test.ts': '' }), [
    'only tests import tests',
  ])
})
