import { Visitor, type ArrowFunctionExpression, type Function as FunctionNode, type Program } from 'oxc-parser'
import { parse, read } from './source.ts'

// Prints how long files and functions are (CONTRIBUTING.md, "House rules"). It judges nothing: people do.

const longFile = 300
const longFunction = 60
const folders = ['src', 'test', 'examples', 'bench', 'scripts', 'engines']

interface Length {
  /** Where: `src/units.ts`, or `src/units.ts:61 read`. */
  at: string
  lines: number
}

const linesOf = (text: string) => text.split('\n').length - (text.endsWith('\n') ? 1 : 0)

/** Every function with a body, its comment not counted: methods, accessors and arrow functions too. */
function functionsOf(path: string, text: string): Length[] {
  const lineAt = (offset: number) => linesOf(text.slice(0, offset) || ' ')
  const found: Length[] = []
  const names = new Map<number, string>()
  const add = (node: FunctionNode | ArrowFunctionExpression) => {
    const name = ('id' in node && node.id?.name) || names.get(node.start) || '(no name)'
    const lines = lineAt(node.end) - lineAt(node.start) + 1
    if (node.body) found.push({ at: `${path}:${lineAt(node.start)} ${name}`, lines })
  }
  nameFunctions(parse(path, text), names)
  new Visitor({ FunctionDeclaration: add, FunctionExpression: add, ArrowFunctionExpression: add }).visit(
    parse(path, text),
  )
  return found
}

/** The names of functions that take theirs from where they stand: by where they start. */
function nameFunctions(program: Program, names: Map<number, string>): void {
  const name = (key: { name?: unknown } | null, value: { start: number } | null) => {
    if (typeof key?.name === 'string' && value) names.set(value.start, key.name)
  }
  new Visitor({
    MethodDefinition: (node) => name(node.key as { name?: unknown }, node.value),
    Property: (node) => name(node.key as { name?: unknown }, node.value),
    PropertyDefinition: (node) => name(node.key as { name?: unknown }, node.value),
    VariableDeclarator: (node) => name(node.id as { name?: unknown }, node.init),
  }).visit(program)
}

function summary(lengths: Length[]) {
  const sorted = lengths.map(({ lines }) => lines).toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { count: sorted.length, median: at(0.5), p90: at(0.9), max: sorted.at(-1) ?? 0 }
}

/** `src/edge` for what lies deeper, `src` for what lies in it. */
const folderOf = (path: string) => path.split('/').slice(0, -1).slice(0, 2).join('/')

function row(name: string, files: Length[], functions: Length[]) {
  const [file, each] = [summary(files), summary(functions)]
  return {
    folder: name,
    files: file.count,
    'median lines': file.median,
    'p90 lines': file.p90,
    'max lines': file.max,
    functions: each.count,
    'median function': each.median,
    'p90 function': each.p90,
    'max function': each.max,
  }
}

function longest(title: string, lengths: Length[]): void {
  console.log(`\n${title}: ${lengths.length || 'none'}`)
  for (const { at, lines } of lengths.toSorted((a, b) => b.lines - a.lines))
    console.log(`${String(lines).padStart(6)}  ${at}`)
}

const files = new Map<string, { file: Length; functions: Length[] }>()
for (const [path, text] of read(folders.map((folder) => `${folder}/**/*.ts`)))
  files.set(path, { file: { at: path, lines: linesOf(text) }, functions: functionsOf(path, text) })

const isTest = (path: string) => path.endsWith('.test.ts')
const pick = (keep: (path: string) => boolean) =>
  [...files].filter(([path]) => keep(path)).map(([, lengths]) => lengths)
const rows = [...new Set([...files.keys()].filter((path) => !isTest(path)).map(folderOf)), 'tests', 'all'].map(
  (name) => {
    const lengths = pick((path) => name === 'all' || (isTest(path) ? name === 'tests' : folderOf(path) === name))
    return row(
      name,
      lengths.map(({ file }) => file),
      lengths.flatMap(({ functions }) => functions),
    )
  },
)
console.table(Object.fromEntries(rows.map(({ folder, ...rest }) => [folder, rest])))

const all = pick(() => true)
longest(
  `files over ${longFile} lines`,
  all.map(({ file }) => file).filter(({ lines }) => lines > longFile),
)
longest(
  `functions over ${longFunction} lines`,
  all.flatMap(({ functions }) => functions).filter(({ lines }) => lines > longFunction),
)
