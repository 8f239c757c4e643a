import { posix } from 'node:path'
import { findCycles } from './cycles.ts'
import { importsOf, read } from './source.ts'

/** An import that breaks a rule of CONTRIBUTING.md, "How the code is laid out". */
export interface Problem {
  file: string
  imports: string
  why: string
}

/** The floors from the ground up, by the first part of a path under `src/`; imports only go down. */
const floors: readonly (readonly string[])[] = [
  [
    'errors',
    'deadline',
    'units',
    'telemetry',
    'gather',
    'breaker',
    'listen',
    'drain',
    'tether',
    'failure',
    'hints',
    'peer',
    'shared',
    'url',
  ],
  ['postgres', 'redis', 'amqp', 'nats', 'kafka', 'aws', 'pubsub'],
  ['block', 'declare', 'lease'],
  ['conformance'],
  ['blocks'],
  ['edge'],
  ['blueprint'],
  ['plan', 'index', 'testing', 'native'],
  ['console'],
  ['cli'],
]

const isTest = (path: string) => path.endsWith('.test.ts')

/** Checks the files under `src/` (path to text) against the import rules. */
export function checkImports(files: ReadonlyMap<string, string>): Problem[] {
  const problems: Problem[] = []
  const edges = new Map<string, string[]>()
  const drivers = driversOf(files)
  for (const [file, text] of files) {
    const targets = importsOf(file, text).flatMap(({ specifier }) => resolve(file, specifier) ?? [])
    if (!isTest(file)) edges.set(file, targets)
    for (const imports of targets) {
      const why = reason(file, imports, files, drivers)
      if (why) problems.push({ file, imports, why })
    }
  }
  for (const cycle of findCycles(edges))
    problems.push({
      file: cycle[0]!,
      imports: cycle[1] ?? cycle[0]!,
      why: `a cycle: ${[...cycle, cycle[0]].join(' > ')}`,
    })
  return problems
}

function reason(file: string, target: string, files: ReadonlyMap<string, string>, drivers: ReadonlySet<string>) {
  if (!target.startsWith('src/')) return isTest(file) ? undefined : 'what is published lies under src/'
  if (!files.has(target)) return target.endsWith('.ts') ? 'no such file' : undefined
  if (isTest(target) && !isTest(file)) return 'only tests import tests'
  if (isTest(file)) return undefined // a test may stand its subject up inside a whole service
  return floorReason(file, target) ?? blockReason(file, target, drivers)
}

function floorReason(file: string, target: string): string | undefined {
  const [from, to] = [floorOf(file), floorOf(target)]
  if (from < 0) return `${partOf(file)} is on no floor: add it to scripts/imports.ts and CONTRIBUTING.md`
  return to > from ? `${partOf(file)} must not know ${partOf(target)}: imports go down` : undefined
}

function blockReason(file: string, target: string, drivers: ReadonlySet<string>): string | undefined {
  const [from, to] = [blockOf(file), blockOf(target)]
  if (!from || !to) return undefined
  if (from !== to) return 'blocks do not know one another'
  const [driver, other] = [driverOf(file, drivers), driverOf(target, drivers)]
  if (!other || driver === other || file === `src/blocks/${from}/index.ts`) return undefined
  return driver ? 'drivers do not know one another' : 'a block knows its drivers only through driver.ts'
}

/** The drivers of all blocks: what a block's index imports on first use. A driver that is a folder counts as the folder. */
function driversOf(files: ReadonlyMap<string, string>): Set<string> {
  const found = new Set<string>()
  for (const [file, text] of files) {
    if (!/^src\/blocks\/[^/]+\/index\.ts$/.test(file)) continue
    for (const { specifier, dynamic } of importsOf(file, text)) {
      const target = resolve(file, specifier)
      if (dynamic && target && blockOf(target) === blockOf(file)) found.add(placeOf(target))
    }
  }
  return found
}

/** `src/blocks/queue/kafka/wire.ts` is at `src/blocks/queue/kafka`, and so is `src/blocks/queue/kafka.ts`. */
function placeOf(path: string): string {
  return path.replace(/\.ts$/, '').split('/').slice(0, 4).join('/')
}

const driverOf = (path: string, drivers: ReadonlySet<string>) =>
  drivers.has(placeOf(path)) ? placeOf(path) : undefined
const blockOf = (path: string) => /^src\/blocks\/([^/]+)\//.exec(path)?.[1]
const partOf = (path: string) => /^src\/([^/.]+)/.exec(path)?.[1] ?? path
const floorOf = (path: string) => floors.findIndex((floor) => floor.includes(partOf(path)))

function resolve(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
}

if (import.meta.main) {
  const problems = checkImports(read(['src/**/*.ts']))
  for (const { file, imports, why } of problems) console.error(`${file} imports ${imports}\n  ${why}`)
  console.log(problems.length ? `${problems.length} imports break the rules` : 'imports: in order')
  process.exitCode = problems.length ? 1 : 0
}
