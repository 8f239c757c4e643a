import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const { exports, files } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, string | { source: string; types: string; default: string }>
  files: string[]
}

/** Every subpath with its targets, the pattern of the conformance suites written out. */
const paths = Object.entries(exports).flatMap(([subpath, targets]) => {
  if (typeof targets === 'string') return []
  if (!subpath.includes('*')) return [{ subpath, ...targets }]
  return globSync(targets.source, { cwd: root }).map((source) => {
    const name = /blocks\/([^/]+)\//.exec(source)?.[1] ?? ''
    const fill = (text: string) => text.replace('*', name)
    return { subpath: fill(subpath), source: `./${source}`, types: fill(targets.types), default: fill(targets.default) }
  })
})

for (const { subpath, source, ...built } of paths) {
  const name = subpath.replace('.', 'ashlar')

  test(`${name} resolves to a file that is there and loads`, async () => {
    ok(existsSync(new URL(source, root)), `${source} is missing`)
    equal(fileURLToPath(import.meta.resolve(name)), fileURLToPath(new URL(source, root)))
    ok(Object.keys((await import(name)) as object).length > 0, `${name} exports nothing`)
  })

  test(`${name} is built from that file`, () => {
    equal(built.types, source.replace('./src/', './dist/').replace(/\.ts$/, '.d.ts'))
    equal(built.default, source.replace('./src/', './dist/').replace(/\.ts$/, '.js'))
  })
}

test('every block has a subpath, and every conformance suite', () => {
  const blocks = globSync('src/blocks/*', { cwd: root }).map((path) => path.split('/').at(-1)!)
  const named = new Set(paths.map(({ subpath }) => subpath))
  deepEqual(
    blocks.filter((block) => !named.has(`./${block}`)),
    [],
  )
})

test('publishes what is built, and no sources', () => {
  deepEqual(files.toSorted(), ['LICENSE', 'NOTICE', 'README.md', 'bin', 'dist'])
})
